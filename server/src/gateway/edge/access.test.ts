import { createSigner } from 'fast-jwt'
import Type from 'typebox'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mounted, plainContract, serviceToken } from '../../../tests/support/listeners.ts'
import type { Config } from '../../config/config.ts'
import { type Access, type Contract, reply, route } from '../../contracts/_kit/contract.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import { localKeySource } from '../../platform/tokens/key-source.ts'
import { createTokenVerifier, type TokenVerifier } from '../../platform/tokens/verifier.ts'

const accesses = ['public', 'person', 'person_or_service', 'service', 'accounts:manage'] as const satisfies Access[]

const routes = accesses.flatMap((access) =>
  (['GET', 'POST'] as const).map((method) =>
    route('identity', method, `/${access}`, {
      summary: 'Say who asks',
      access,
      limit: 'read',
      replies: { 200: Type.Any() },
      handler: async (_service, { context: { claims, service } }) =>
        reply(200, { is: claims?.uid ?? 'nobody', service }),
    }),
  ),
)
const plain = plainContract(routes)
const roles = {
  person: 'user',
  administrator: 'admin',
  permissions: { admin: ['accounts:manage', 'accounts:read'], clerk: ['accounts:read'], user: [] },
} as const
const realm = { ...plain.realm, name: 'plain', policy: { ...plain.realm.policy, roles } }

const now = 1_800_000_000
const secret = 'the secret of the contract, which nobody else has'
const claims = {
  sid: 's',
  uid: 'ada',
  ver: 1,
  jti: 'j',
  tid: 't',
  aud: 'plain',
  role: 'user',
  iat: now - 10,
  exp: now + 60,
}
const signed = (change: object = {}, key = secret) =>
  createSigner({ key, algorithm: 'HS256' })({ ...claims, ...change })
const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${signed().split('.')[1]}.`
/** The same signature over claims that say more. */
const altered = (token: string, change: object) => {
  const [head, , signature] = token.split('.')
  return [head, Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url'), signature].join('.')
}

let counted: string[]
let verifier: TokenVerifier
beforeEach(() => {
  counted = []
  exhausted = undefined
  verifier = createTokenVerifier({
    audience: 'plain',
    secret,
    keys: localKeySource(() => ({ keys: [] })),
    revocations: {
      check: ({ sid }) => (sid === 'revoked' ? 'revoked' : 'live'),
      follow: async () => undefined,
      following: () => true,
      size: () => 0,
      stop: async () => undefined,
    },
    introspect: async () => true,
    clock: { now: () => now * 1_000 },
  })
})

/** One listener for each way that a contract may differ. */
const differences = {
  none: {},
  cookie: { browser: { accessCookie: 'access' } },
  open: { browser: { origins: 'any' } },
  asking: {
    deployment: {
      units: [],
      introspection: { open: () => ({ ask: async () => undefined, close: async () => undefined }), cachePrefix: '' },
    },
  },
} as const satisfies Record<string, Partial<Contract>>
const listeners: Record<string, Awaited<ReturnType<typeof mounted>>> = {}
/** Whose limit is used up. */
let exhausted: string | undefined
beforeAll(async () => {
  for (const [name, more] of Object.entries(differences)) {
    listeners[name] = await mounted(plainContract(routes, { realm, ...more }), {
      unit: { name: 'service', host: '127.0.0.1', port: 0, services: ['identity'], gateway: false },
      config: {
        trustedProxies: [],
        corsOrigins: ['https://front.example'],
        instanceId: 'test-1',
        hosts: new Map(),
      } as unknown as Config,
      verifierOf: () => ({
        verify: (token) => verifier.verify(token),
        verifySeen: (token) => verifier.verifySeen(token),
      }),
      limiter: {
        count: async ({ who }) => {
          counted.push(who)
          if (who === exhausted) throw refuseAtEdge('edge.rate_limited')
        },
        giveBack: async ({ route, who }) => void counted.push(`back ${route.url} ${who}`),
        check: async ({ who }) => void counted.push(`check ${who}`),
      },
    })
  }
})
afterAll(async () => {
  await Promise.all(Object.values(listeners).map((app) => app.close()))
})

/** Asks with exactly these headers, and says who was let in or why not. */
const asking =
  (how: keyof typeof differences = 'none') =>
  async (access: string, headers: Record<string, string> = {}, method: 'GET' | 'POST' = 'GET') => {
    const answer = await listeners[how]!.inject({ method, url: `/${access}`, headers, remoteAddress: '192.0.2.7' })
    const { code, is, service } = answer.json()
    return answer.statusCode === 200 ? `${is}${service ? ', a service' : ''}` : `${answer.statusCode} ${code}`
  }

const missing = '401 edge.missing_token'
const invalid = '401 edge.invalid_token'
const forbidden = '403 edge.forbidden'
const nobody = 'nobody'
const service = 'nobody, a service'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const internal = { 'x-internal-token': serviceToken }

/** What each kind of route answers to each kind of caller, in the order of `accesses`. */
const table: readonly [who: string, headers: Record<string, string>, ...answers: string[]][] = [
  ['nobody', {}, nobody, missing, missing, missing, missing],
  ['an empty Bearer', { authorization: 'Bearer ' }, nobody, missing, missing, missing, missing],
  ['another scheme', { authorization: `Basic ${signed()}` }, nobody, missing, missing, missing, missing],
  ['a person', bearer(signed()), nobody, 'ada', 'ada', invalid, forbidden],
  ['a person in small letters', { authorization: `bearer ${signed()}` }, nobody, 'ada', 'ada', invalid, forbidden],
  ['an administrator', bearer(signed({ role: 'admin' })), nobody, 'ada', 'ada', invalid, 'ada'],
  ['a role with another permission', bearer(signed({ role: 'clerk' })), nobody, 'ada', 'ada', invalid, forbidden],
  ['a role that there is not', bearer(signed({ role: 'root' })), nobody, 'ada', 'ada', invalid, forbidden],
  ['a role of every object', bearer(signed({ role: 'constructor' })), nobody, 'ada', 'ada', invalid, forbidden],
  ['no role', bearer(signed({ role: undefined })), nobody, 'ada', 'ada', invalid, forbidden],
  ['a role under another name', bearer(signed({ roles: ['admin'] })), nobody, 'ada', 'ada', invalid, forbidden],
  [
    'another contract’s administrator',
    bearer(signed({ aud: 'other', role: 'admin' })),
    nobody,
    invalid,
    invalid,
    invalid,
    invalid,
  ],
  ['a token for nobody', bearer(signed({ aud: undefined })), nobody, invalid, invalid, invalid, invalid],
  ['a token for several', bearer(signed({ aud: ['other', 'plain'] })), nobody, 'ada', 'ada', invalid, forbidden],
  ['an expired token', bearer(signed({ exp: now - 31 })), nobody, invalid, invalid, invalid, invalid],
  ['a token of tomorrow', bearer(signed({ iat: now + 31 })), nobody, invalid, invalid, invalid, invalid],
  ['a revoked token', bearer(signed({ sid: 'revoked' })), nobody, invalid, invalid, invalid, invalid],
  ['another key', bearer(signed({}, 'x'.repeat(32))), nobody, invalid, invalid, invalid, invalid],
  ['no signature', bearer(unsigned), nobody, invalid, invalid, invalid, invalid],
  ['a token of another kind', bearer(signed({ sid: undefined })), nobody, invalid, invalid, invalid, invalid],
  ['what is no token', bearer('r'.repeat(43)), nobody, invalid, invalid, invalid, invalid],
  ['a service, by Bearer', bearer(serviceToken), nobody, invalid, service, service, invalid],
  ['a service, by header', internal, nobody, missing, service, service, missing],
  ['nearly a service, by Bearer', bearer(`${serviceToken}s`), nobody, invalid, invalid, invalid, invalid],
  [
    'nearly a service, by header',
    { 'x-internal-token': serviceToken.slice(1) },
    nobody,
    missing,
    missing,
    missing,
    missing,
  ],
  ['a service with a person’s token', { ...internal, ...bearer(signed()) }, nobody, 'ada', service, service, forbidden],
  [
    'a person with a wrong service token',
    { 'x-internal-token': 'x', ...bearer(signed()) },
    nobody,
    'ada',
    'ada',
    invalid,
    forbidden,
  ],
]

test.each(table)('%s', async (_, headers, ...answers) => {
  const ask = asking()
  // Twice: by then a good token was seen.
  for (const _turn of [1, 2]) {
    expect(await Promise.all(accesses.map((access) => ask(access, headers)))).toEqual(answers)
  }
})

test('a token that was altered is refused, also after the original was seen', async () => {
  const ask = asking()
  const token = signed()
  expect(await ask('person', bearer(token))).toBe('ada')
  for (const change of [{ role: 'admin' }, { uid: 'bob' }, { exp: now + 3_600 }]) {
    for (const access of ['person', 'accounts:manage']) {
      expect(await ask(access, bearer(altered(token, change)))).toBe(invalid)
    }
  }
  expect(await ask('person', bearer(`${token}x`))).toBe(invalid)
  expect(await ask('person', bearer(token))).toBe('ada')
})

describe('with a cookie for tokens', () => {
  const other = signed({ aud: 'other' })
  const cookies = (...tokens: string[]) => ({ cookie: tokens.map((token) => `access=${token}`).join('; ') })
  test.each<[string, Record<string, string>, string]>([
    ['one', cookies(signed()), 'ada'],
    ['a foreign one first', cookies(other, signed()), 'ada'],
    ['a foreign one last', cookies(signed(), other), 'ada'],
    ['an expired one first', cookies(signed({ exp: now - 31 }), signed()), 'ada'],
    ['two foreign ones first', cookies(other, 'x', signed()), 'ada'],
    ['three foreign ones first', cookies(other, 'x', 'y', signed()), invalid],
    ['foreign ones alone', cookies(other, 'x'), invalid],
    ['the service token', cookies(serviceToken), invalid],
    ['a name that only ends so', { cookie: `my_access=${signed()}` }, missing],
    ['a bad Bearer beside', { ...cookies(signed()), ...bearer(other) }, invalid],
    ['a good Bearer beside', { ...cookies(other), ...bearer(signed()) }, 'ada'],
  ])('%s', async (_, headers, answer) => {
    const ask = asking('cookie')
    for (const _turn of [1, 2]) expect(await ask('person', headers)).toBe(answer)
    expect(await asking()('person', cookies(signed()))).toBe(missing)
  })
})

describe('orders of pages', () => {
  const here = { host: 'here.example' }
  test.each<[string, Record<string, string>, string]>([
    ['no page', {}, 'ada'],
    ['a page of ours', { ...here, origin: 'https://here.example' }, 'ada'],
    [
      'a page of ours, as the browser says',
      { origin: 'https://elsewhere.example', 'sec-fetch-site': 'same-origin' },
      'ada',
    ],
    ['somebody who typed the address', { 'sec-fetch-site': 'none' }, 'ada'],
    ['a page that is let in', { ...here, origin: 'https://front.example', 'sec-fetch-site': 'cross-site' }, 'ada'],
    ['a foreign page', { ...here, origin: 'https://evil.example' }, forbidden],
    ['a sandboxed page', { ...here, origin: 'null' }, forbidden],
    ['a page that names itself ours', { ...here, origin: 'https://here.example.evil.example' }, forbidden],
    ['a foreign page without an origin', { 'sec-fetch-site': 'cross-site' }, forbidden],
    ['a page of the same registered domain', { 'sec-fetch-site': 'same-site' }, forbidden],
  ])('of %s', async (_, headers, answer) => {
    const cookie = `access=${signed()}`
    expect(await asking('cookie')('person', { ...headers, cookie }, 'POST')).toBe(answer)
    // Also where no cookie signs in: a sign-in leaves one that tells the device again.
    const publicly = answer === 'ada' ? nobody : answer
    expect(await asking()('public', headers, 'POST')).toBe(publicly)
    // Where every origin may read, every page may write what any program could.
    expect(await asking('open')('public', headers, 'POST')).toBe(nobody)
    // Reading does nothing, and a Bearer is added by no browser.
    expect(await asking('cookie')('person', { ...headers, cookie })).toBe('ada')
    expect(await asking('cookie')('person', { ...headers, ...bearer(signed()) }, 'POST')).toBe('ada')
  })
})

describe('what is counted', () => {
  const address = 'address:192.0.2.7'
  test.each<[string, Access, Record<string, string>, string[]]>([
    ['a stranger', 'public', {}, [address]],
    ['a person where all may', 'public', bearer(signed()), [address]],
    ['a service where all may', 'public', internal, []],
    ['a person', 'person', bearer(signed()), ['account:ada']],
    ['a person who may not', 'accounts:manage', bearer(signed()), ['account:ada']],
    ['a service', 'person_or_service', bearer(serviceToken), []],
    ['a service by header', 'service', internal, []],
    ['a person where services may', 'person_or_service', bearer(signed()), ['account:ada']],
    ['a refused token', 'person', bearer('x'), []],
    ['no token', 'person', {}, []],
  ])('of %s', async (_, access, headers, whom) => {
    const ask = asking()
    await ask(access, headers)
    expect(counted).toEqual(whom)
  })

  test('what is above the limit is refused before anything is done, and before what its role may is told', async () => {
    const ask = asking()
    exhausted = 'account:ada'
    for (const access of ['person', 'accounts:manage'])
      expect(await ask(access, bearer(signed()))).toBe('429 edge.rate_limited')
  })

  test('where another process is asked about tokens, refused ones are counted against the prefix', async () => {
    const ask = asking('asking')
    await ask('person', bearer('x'))
    expect(counted.splice(0)).toEqual(['check refused:192.0.2.7', 'refused:192.0.2.7'])
    await ask('person', bearer(signed()))
    // The second time it is known, and nobody has to be asked.
    await ask('person', bearer(signed()))
    expect(counted).toEqual(['check refused:192.0.2.7', 'account:ada', 'account:ada'])
  })
})
