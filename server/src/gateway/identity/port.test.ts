import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { listenerOptions, plainContract, serviceToken } from '../../../tests/support/listeners.ts'
import { configured } from '../../contracts/configured.ts'
import { contractNames } from '../../contracts/registry.ts'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import { type InternalClient, internalClient } from '../../platform/http/internal-client.ts'
import type { Identity } from '../../services/identity/index.ts'
import { operator } from '../../services/realm/index.ts'
import { createListener } from '../listener.ts'
import { type IdentityPort, identityHere, identityOverHttp } from './port.ts'
import { identityRoutes, publicKeyRoute } from './routes.ts'

const contracts = configured({ overrides: {}, uploadMaxBytes: 1 })
// The last one, so that no default can be mistaken for it.
const name = contractNames.at(-1)!
const { realm } = contracts[name]

const uuid = (digit: number) => `0198f2a0-0000-7000-8000-00000000000${digit}`
const [account, administrator] = [uuid(1), uuid(2)]
const summary = {
  id: account,
  number: 7,
  tenant: 'a tenant',
  username: 'Zoë “Z” Łuć',
  email: null,
  displayName: 'line\nbreak',
  createdAt: '2026-01-02T03:04:05.678Z',
  memberships: [{ realm: name, role: 'ranked', origin: 'joined' as const, since: '2026-01-02T03:04:05.678901+00:00' }],
}
const everyField = {
  username: 'the username',
  email: 'the@address.example',
  password: ' the password\t',
  displayName: 'the display name',
  role: 'the role',
}
const idempotency = {
  accountId: uuid(3),
  route: 'POST /things',
  key: 'the key',
  requestHash: Buffer.from([0, 255, 128]),
}
const page = {
  cursor: '18446744073709551615',
  revision: 0.5,
  revocations: [
    { sessionId: 'a session', accountId: null, realm: null, minimumVersion: null, until: 1_800_000_001 },
    { sessionId: null, accountId: uuid(4), realm: name, minimumVersion: 3, until: 1_800_000_002 },
  ],
}
const jwks = { keys: [{ kty: 'EC', kid: 'one', crv: 'P-256', x: 'x', y: 'y', alg: 'ES256', use: 'sig' }] }

/** Everything that the port asks of identity, by the name that it has there. */
const asked = {
  find: vi.fn(),
  create: vi.fn(),
  rename: vi.fn(),
  changeRole: vi.fn(),
  active: vi.fn(),
  proposeEmail: vi.fn(),
  removeMember: vi.fn(),
  next: vi.fn(),
  isTokenActive: vi.fn(),
  jwks: vi.fn(),
}
type Asked = keyof typeof asked
const { find, create, rename, changeRole, active, proposeEmail, removeMember, next, isTokenActive } = asked
const identity = {
  internalApi: { find, create, rename, changeRole, active },
  proposeEmail,
  removeMember,
  revocations: { next },
  isTokenActive,
  keys: { jwks: asked.jwks },
} as unknown as Identity

interface Case {
  what: string
  call: (port: IdentityPort) => Promise<unknown>
  /** What identity hears. */
  asks: Asked
  args: readonly unknown[]
  /** What identity answers, and the port with it. */
  answer?: unknown
}

/** Every method of the port with every argument that it has, no two of them alike. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  'accounts.find': [
    { what: 'known', call: ({ accounts }) => accounts.find(account), asks: 'find', args: [account], answer: summary },
    { what: 'unknown', call: ({ accounts }) => accounts.find(account), asks: 'find', args: [account] },
  ],
  'accounts.create': [
    {
      what: 'with everything',
      call: ({ accounts }) => accounts.create(everyField, name, idempotency),
      asks: 'create',
      args: [everyField, realm, idempotency],
      answer: summary,
    },
    {
      what: 'with nothing',
      call: ({ accounts }) => accounts.create({ username: undefined }, name, undefined),
      asks: 'create',
      args: [{}, realm, undefined],
      answer: summary,
    },
  ],
  'accounts.proposeEmail': [
    {
      what: 'of one’s own',
      call: ({ accounts }) => accounts.proposeEmail(account, 'new@address.example', name),
      asks: 'proposeEmail',
      args: [account, 'new@address.example', operator(realm), {}],
    },
    {
      what: 'that is told to be taken',
      call: ({ accounts }) => accounts.proposeEmail(account, 'new@address.example', name, { tellTaken: true }),
      asks: 'proposeEmail',
      args: [account, 'new@address.example', operator(realm), { tellTaken: true }],
    },
    {
      what: 'by an administrator',
      call: ({ accounts }) => accounts.proposeEmail(account, 'new@address.example', name, { tellTaken: false }),
      asks: 'proposeEmail',
      args: [account, 'new@address.example', operator(realm), { tellTaken: false }],
    },
  ],
  'accounts.rename': [
    {
      what: '',
      call: ({ accounts }) => accounts.rename(account, 'A new name'),
      asks: 'rename',
      args: [account, 'A new name'],
    },
  ],
  'accounts.changeRole': [
    {
      what: '',
      call: ({ accounts }) => accounts.changeRole(account, 'the role', administrator, name),
      asks: 'changeRole',
      args: [account, 'the role', administrator, realm],
    },
  ],
  'accounts.remove': [
    {
      what: 'by the owner',
      call: ({ accounts }) => accounts.remove(account, name),
      asks: 'removeMember',
      args: [account, operator(realm)],
      answer: false,
    },
    {
      what: 'by an administrator',
      call: ({ accounts }) => accounts.remove(account, name, administrator),
      asks: 'removeMember',
      args: [account, operator(realm), { accountId: administrator }],
      answer: true,
    },
  ],
  'accounts.active': [
    {
      what: 'of several',
      call: ({ accounts }) => accounts.active([account, administrator], name),
      asks: 'active',
      args: [[account, administrator], realm],
      answer: [administrator],
    },
  ],
  'revocations.next': [
    {
      what: '',
      call: ({ revocations }) => revocations.next({ reader: 'a reader', cursor: '12', revision: 34.5, waitMs: 56 }),
      asks: 'next',
      args: [expect.objectContaining({ reader: 'a reader', cursor: '12', revision: 34.5, waitMs: 56 })],
      answer: page,
    },
  ],
  isTokenActive: [true, false].map((answer) => ({
    what: answer ? 'still' : 'no more',
    call: (port) => port.isTokenActive({ sid: 'a session', uid: account, ver: 5 }),
    asks: 'isTokenActive',
    args: [{ sid: 'a session', uid: account, ver: 5 }],
    answer,
  })),
  jwks: [{ what: '', call: (port) => port.jwks(), asks: 'jwks', args: [], answer: jwks }],
}

let close: () => Promise<void>
let client: InternalClient
const ports: Record<string, IdentityPort> = { 'in this process': identityHere(identity, contracts) }

beforeAll(async () => {
  const app = await createListener({
    ...listenerOptions(plainContract([])),
    internal: { token: serviceToken, routes: (scope) => identityRoutes(scope, identity, contracts) },
    open: (scope) => publicKeyRoute(scope, identity),
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  client = internalClient({ url, token: serviceToken, deadlineMs: 5_000 })
  ports['over HTTP'] = identityOverHttp(client)
  close = async () => {
    await client.close()
    await app.close()
  }
})
afterAll(() => close())
beforeEach(() => vi.resetAllMocks())

const methodsOf = (port: object): string[] =>
  Object.entries(port).flatMap(([key, value]) =>
    typeof value === 'function' ? key : methodsOf(value).map((method) => `${key}.${method}`),
  )
const rows = Object.entries(cases).flatMap(([method, all]) => all.map((one) => ({ method, ...one })))

describe.each(['in this process', 'over HTTP'])('identity %s', (where) => {
  test('has a case for each method', () => {
    expect(methodsOf(ports[where]!).sort()).toEqual(Object.keys(cases).sort())
  })

  test.each(rows)('$method $what: hears every argument, and answers', async ({ call, asks, args, answer }) => {
    asked[asks].mockResolvedValue(answer)
    // The keys are there without a wait.
    if (asks === 'jwks') asked.jwks.mockReturnValue(answer)
    expect(await call(ports[where]!)).toStrictEqual(answer)
    expect(Object.values(asked).flatMap(({ mock }) => mock.calls)).toHaveLength(1)
    const [heard = []] = asked[asks].mock.calls
    // Of what is optional, absent and undefined mean the same.
    expect(withoutUndefined(heard)).toEqual(withoutUndefined(args))
  })

  test.each(rows.filter(({ method }) => method !== 'jwks'))('$method $what: is refused', async ({ call, asks }) => {
    asked[asks].mockRejectedValue(new DomainError('identity.of_a_test', { retryAfterSeconds: 3, why: ['so'] }))
    const domainError = await call(ports[where]!).catch((error: unknown) => error)
    expect(domainError).toBeInstanceOf(DomainError)
    expect(domainError).toMatchObject({ code: 'identity.of_a_test', details: { retryAfterSeconds: 3, why: ['so'] } })
  })

  test('knows no contract of another name', async () => {
    const { accounts } = ports[where]!
    for (const ask of [
      async () => accounts.create({}, 'nobody’s', undefined),
      async () => accounts.proposeEmail(account, 'a@b.example', 'nobody’s'),
      async () => accounts.changeRole(account, 'r', administrator, 'nobody’s'),
      async () => accounts.remove(account, 'nobody’s'),
      async () => accounts.active([account], 'nobody’s'),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'edge.bad_request', details: { contract: 'nobody’s' } })
    }
    expect(Object.values(asked).flatMap(({ mock }) => mock.calls)).toEqual([])
  })
})

const withoutUndefined = (args: readonly unknown[]) =>
  args.slice(0, args.findLastIndex((arg) => arg !== undefined && !isEmpty(arg)) + 1)
const isEmpty = (arg: unknown) => typeof arg === 'object' && arg !== null && Object.keys(arg).length === 0

describe('over HTTP', () => {
  const asks = rows.filter(({ method }) => method !== 'jwks' && method !== 'revocations.next')

  test.each(asks)('$method $what: what breaks is only said to have failed', async ({ call, asks }) => {
    asked[asks].mockRejectedValue(new Error('a secret of the database'))
    const domainError = await call(ports['over HTTP']!).catch((error: unknown) => error)
    expect(domainError).toMatchObject({ code: 'edge.internal', details: {} })
    expect(String((domainError as Error).cause)).not.toContain('secret')
  })

  test.each(asks)('$method $what: an outage of identity’s own is one of identity', async ({ call, asks }) => {
    asked[asks].mockRejectedValue(refuseAtEdge('edge.unavailable'))
    await expect(call(ports['over HTTP']!)).rejects.toMatchObject({ code: 'edge.identity_unavailable' })
  })

  test('a process with another token learns why it is refused, and identity hears nothing', async () => {
    const stranger = internalClient({ url: client.url, token: 'x'.repeat(32), deadlineMs: 5_000 })
    onTestFinished(() => stranger.close())
    for (const { call } of asks) {
      const domainError = await call(identityOverHttp(stranger)).catch((error: unknown) => error)
      expect(domainError).toMatchObject({ code: 'edge.identity_unavailable', details: { upstream: client.url } })
      expect(String((domainError as Error).cause)).toContain('INTERNAL_SERVICE_TOKEN')
    }
    expect(Object.values(asked).flatMap(({ mock }) => mock.calls)).toEqual([])
  })

  test.each([
    ['find-account', { accountId: 'no id' }],
    ['create-account', { realm: name }],
    ['create-account', { realm: name, account: {}, idempotency: { key: 'k' } }],
    ['propose-email', { accountId: account, email: 'a@b.example', realm: name, tellTaken: 'no' }],
    ['propose-email', { accountId: account, email: 'a@b.example', realm: name, tellTaken: 'true' }],
    ['rename-account', { accountId: account }],
    ['change-role', { accountId: account, role: 'r', realm: name }],
    ['remove-member', { accountId: account, by: administrator }],
    ['remove-member', { accountId: account, realm: name, by: 'no id' }],
    ['change-role', { accountId: account, role: 'r', by: administrator }],
    ['is-token-active', { sid: 's', uid: 'u', ver: '1' }],
    ['revocations', { reader: 'r', cursor: '-1', revision: 0, waitMs: 0 }],
    ['revocations', { reader: 'r', cursor: '1', revision: 0, waitMs: 20_001 }],
  ])('%s with %j is a clear error, and identity hears nothing', async (path, body) => {
    const answer = client.call('POST', `/internal/identity/${path}`, { body })
    await expect(answer).rejects.toMatchObject({ code: 'edge.bad_request' })
    expect(Object.values(asked).flatMap(({ mock }) => mock.calls)).toEqual([])
  })

  test('while identity is silent or away, what is asked in a request’s course says so', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const hasty = internalClient({ url, token: serviceToken, deadlineMs: 50 })
    const gone = internalClient({ url: 'http://127.0.0.1:1', token: serviceToken, deadlineMs: 5_000 })
    onTestFinished(async () => {
      silent.closeAllConnections()
      silent.close()
      await Promise.all([hasty.close(), gone.close()])
    })
    for (const port of [hasty, gone]) {
      const ask = async ({ call }: (typeof asks)[number]) =>
        expect(call(identityOverHttp(port))).rejects.toMatchObject({
          code: 'edge.identity_unavailable',
          details: { upstream: port.url },
        })
      await Promise.all(asks.map(ask))
      await expect(identityOverHttp(port).jwks()).rejects.toMatchObject({ code: 'edge.unavailable' })
    }
  })
})

describe('a poll for revocations', () => {
  const options = { reader: 'r', cursor: '1', revision: 1, waitMs: 400 }

  test('may take longer than other calls: as long as it waits, and three seconds', async () => {
    const call = vi.fn(async () => page)
    const port = identityOverHttp({ url: '', call: call as InternalClient['call'], close: async () => undefined })
    const { signal } = new AbortController()
    await port.revocations.next({ ...options, signal })
    expect(call.mock.calls).toEqual([
      ['POST', '/internal/identity/revocations', { body: options, deadlineMs: 3_400, signal }],
    ])
  })

  test('that is given up ends in identity too', async () => {
    const heard = Promise.withResolvers<AbortSignal>()
    asked.next.mockImplementation(({ signal }: { signal: AbortSignal }) => {
      heard.resolve(signal)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(page)))
    })
    const leaving = new AbortController()
    const poll = ports['over HTTP']!.revocations.next({ ...options, signal: leaving.signal })
    const refused = expect(poll).rejects.toMatchObject({ code: 'edge.unavailable' })
    const signal = await heard.promise
    expect(signal.aborted).toBe(false)
    leaving.abort()
    await refused
    await vi.waitFor(() => expect(signal.aborted).toBe(true))
  })
})

test('the public keys may be kept for five minutes, by everybody', async () => {
  asked.jwks.mockReturnValue(jwks)
  const answer = await fetch(`${client.url}/.well-known/jwks.json`)
  expect([answer.headers.get('cache-control'), await answer.json()]).toEqual(['public, max-age=300', jwks])
})
