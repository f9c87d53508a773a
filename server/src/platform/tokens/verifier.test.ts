import { generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import { afterEach, describe, expect, test } from 'vitest'
import { refuseAtEdge } from '../errors.ts'
import { jwksKeySource, type KeySource, localKeySource } from './key-source.ts'
import { createTokenVerifier, longestToken } from './verifier.ts'

const now = 1_800_000_000
let passed = 0
const clock = { now: () => (now + passed) * 1000 }
afterEach(() => {
  passed = 0
})

function makeKey(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const publicPem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const jwk: JsonWebKey = { ...publicKey.export({ format: 'jwk' }), kid }
  return { kid, pem, publicPem, jwk, sign: createSigner({ algorithm: 'ES256', key: pem, kid }) }
}

const key = makeKey('key-1')
const claims = { sid: 's', uid: 'u', ver: 1, jti: 'j', tid: 'main', aud: 'shop', iat: now - 10, exp: now + 3600 }

function setUp(
  options: { secret?: string; keys?: KeySource; state?: 'live' | 'revoked' | 'unknown'; stands?: boolean } = {},
) {
  const asked: string[] = []
  const realms = new Set<string>()
  const verifier = createTokenVerifier({
    audience: 'shop',
    secret: options.secret,
    keys: options.keys ?? jwksKeySource(async () => ({ keys: [key.jwk] }), clock),
    revocations: {
      check(_claims, realm) {
        realms.add(realm)
        return options.state ?? 'live'
      },
      follow: async () => undefined,
      following: () => true,
      size: () => 0,
      stop: async () => undefined,
    },
    async introspect({ sid }) {
      asked.push(sid)
      if (options.stands === undefined) throw refuseAtEdge('edge.unavailable')
      return options.stands
    },
    clock,
  })
  return { verifier, asked, realms }
}

/** With so much beside the claims a token is as long as it may be; with one character more it is too long. */
const fillerLength = (() => {
  let length = 2_700
  while (key.sign({ ...claims, filler: 'x'.repeat(length + 1) }).length <= longestToken) length += 1
  return length
})()

/** Signs anything, also what no signer of tokens would. */
const signed = (payload: object) => {
  const head = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'JWT', kid: key.kid })).toString('base64url')
  const text = `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`
  const signature = sign('sha256', Buffer.from(text), { key: key.pem, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

const unsigned = (header: object, payload: object) =>
  `${[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

describe('a good token', () => {
  test('is what the test signs by itself', async () => {
    expect(await setUp().verifier.verify(signed(claims))).toEqual(claims)
  })

  test('is looked up among the revocations of its realm, which its audience names', async () => {
    const { verifier, realms } = setUp()
    await verifier.verify(key.sign({ ...claims, aud: ['shop', 'another'] }))
    expect([...realms]).toEqual(['shop'])
  })

  test('is accepted, again and again', async () => {
    const { verifier } = setUp()
    const token = key.sign(claims)
    expect(await verifier.verify(token)).toMatchObject({ uid: 'u', sid: 's' })
    expect(await verifier.verify(token)).toMatchObject({ uid: 'u', sid: 's' })
  })

  test.each([
    ['expired within the leeway', { exp: now - 29 }],
    ['issued within the leeway', { iat: now + 30 }],
    ['for several audiences', { aud: ['portal', 'shop'] }],
    ['as long as a token may be', { filler: 'x'.repeat(fillerLength) }],
  ])('%s is accepted', async (_name, change) => {
    const told = { ...claims, ...change }
    expect(await setUp().verifier.verify(key.sign(told))).toEqual(told)
  })

  test('is refused once it is over, though it was seen before', async () => {
    const { verifier } = setUp({ keys: localKeySource(() => ({ keys: [key.jwk] })) })
    const token = key.sign(claims)
    await verifier.verify(token)
    passed = 3600 + 29
    expect(verifier.verifySeen(token)).toEqual(claims)
    passed += 1
    expect(() => verifier.verifySeen(token)).toThrow('edge.invalid_token')
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'edge.invalid_token' })
  })
})

describe('refused with edge.invalid_token', () => {
  const other = makeKey('key-1')
  const token = key.sign(claims)
  const [head = '', body = '', signature = ''] = token.split('.')
  const cases: Record<string, string> = {
    'a wrong signature': `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    'a changed body': `${head}.${Buffer.from(JSON.stringify({ ...claims, uid: 'admin' })).toString('base64url')}.${signature}`,
    'another key of the same id': other.sign(claims),
    'an unknown key': createSigner({ algorithm: 'ES256', key: key.pem, kid: 'key-2' })(claims),
    'no key id': createSigner({ algorithm: 'ES256', key: key.pem })(claims),
    'alg none': unsigned({ alg: 'none', typ: 'JWT', kid: 'key-1' }, claims),
    'HS256 with the public key as its secret': createSigner({
      algorithm: 'HS256',
      key: key.publicPem.replaceAll('-----', '='),
      kid: 'key-1',
    })(claims),
    'several other audiences': key.sign({ ...claims, aud: ['portal', 'desk'] }),
    'another audience': key.sign({ ...claims, aud: 'portal' }),
    'no audience': key.sign({ ...claims, aud: undefined }),
    'expired beyond the leeway': key.sign({ ...claims, exp: now - 30 }),
    'issued in the future': key.sign({ ...claims, iat: now + 31 }),
    ...Object.fromEntries(
      ['sid', 'uid', 'jti', 'ver', 'iat', 'exp'].flatMap((claim) => [
        [`no ${claim}`, signed({ ...claims, [claim]: undefined })],
        [`a list for ${claim}`, signed({ ...claims, [claim]: [] })],
      ]),
    ),
    'a truncated one': token.slice(0, -20),
    'its first part alone': head,
    'one that is too long, though it is signed': key.sign({ ...claims, filler: 'x'.repeat(fillerLength + 1) }),
    'ten kilobytes': `${head}.${'A'.repeat(10_000)}.${signature}`,
    'an empty text': '',
    'three dots': '...',
  }
  test.each(Object.entries(cases))('%s', async (_name, text) => {
    await expect(setUp().verifier.verify(text)).rejects.toMatchObject({ code: 'edge.invalid_token' })
  })

  test('one that was altered after the original was seen, and has its end', async () => {
    const { verifier } = setUp()
    await verifier.verify(token)
    for (const altered of [cases['a changed body'] ?? '', `x${token}`, `${head}x.${body}.${signature}`]) {
      expect(altered.endsWith(signature)).toBe(true)
      expect(verifier.verifySeen(altered)).toBeUndefined()
      await expect(verifier.verify(altered)).rejects.toMatchObject({ code: 'edge.invalid_token' })
    }
    expect(verifier.verifySeen(token)).toEqual(claims)
  })

  test('a revoked token, also after it was accepted', async () => {
    const options: { state: 'live' | 'revoked' } = { state: 'live' }
    const { verifier } = setUp(options)
    await verifier.verify(token)
    options.state = 'revoked'
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'edge.invalid_token' })
    expect(() => verifier.verifySeen(token)).toThrow('edge.invalid_token')
  })
})

describe('when the list cannot tell', () => {
  test('identity is asked', async () => {
    const standing = setUp({ state: 'unknown', stands: true })
    const token = key.sign(claims)
    await standing.verifier.verify(token)
    expect(standing.asked).toEqual(['s'])
    expect(standing.verifier.verifySeen(token)).toBeUndefined()
    await standing.verifier.verify(token)
    expect(standing.asked).toEqual(['s', 's'])
    const fallen = setUp({ state: 'unknown', stands: false })
    await expect(fallen.verifier.verify(key.sign(claims))).rejects.toMatchObject({ code: 'edge.invalid_token' })
  })

  test('and identity is away, it is unavailable and never valid', async () => {
    const { verifier } = setUp({ state: 'unknown' })
    await expect(verifier.verify(key.sign(claims))).rejects.toMatchObject({ code: 'edge.unavailable' })
  })
})

describe('with a shared secret', () => {
  const secret = 'a-shared-secret-of-forty-characters-0123'
  const sign = createSigner({ algorithm: 'HS256', key: secret })

  test('HS256 is accepted and ES256 is not: the algorithm is pinned', async () => {
    const { verifier } = setUp({ secret })
    expect(await verifier.verify(sign(claims))).toEqual(claims)
    await expect(verifier.verify(key.sign(claims))).rejects.toMatchObject({ code: 'edge.invalid_token' })
    const hs512 = createSigner({ algorithm: 'HS512', key: secret })
    await expect(verifier.verify(hs512(claims))).rejects.toMatchObject({ code: 'edge.invalid_token' })
  })

  test('it verifies its own audience only', async () => {
    const { verifier } = setUp({ secret })
    await expect(verifier.verify(sign({ ...claims, aud: 'clients' }))).rejects.toMatchObject({
      code: 'edge.invalid_token',
    })
  })
})

describe('when a key is withdrawn', () => {
  test('its tokens are refused at the next use, though they were accepted before', async () => {
    const kept = makeKey('kept')
    let set = { keys: [key.jwk, kept.jwk] }
    const { verifier } = setUp({ keys: localKeySource(() => set) })
    const token = key.sign(claims)
    const other = kept.sign({ ...claims, sid: 'other' })
    for (const one of [token, other]) await verifier.verify(one)
    expect(verifier.verifySeen(token)).toMatchObject({ sid: 's' })

    set = { keys: [kept.jwk] }
    expect(verifier.verifySeen(token)).toBeUndefined()
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'edge.invalid_token' })
    await expect(verifier.verify(key.sign({ ...claims, jti: 'new' }))).rejects.toMatchObject({
      code: 'edge.invalid_token',
    })
    expect(verifier.verifySeen(other)).toMatchObject({ sid: 'other' })
  })

  test('tokens of a shared secret do not depend on it', async () => {
    const secret = 'a-shared-secret-of-forty-characters-0123'
    const { verifier } = setUp({ secret, keys: localKeySource(() => ({ keys: [] })) })
    const token = createSigner({ algorithm: 'HS256', key: secret })(claims)
    await verifier.verify(token)
    expect(verifier.verifySeen(token)).toMatchObject({ sid: 's' })
  })
})

test('a token for several audiences is refused where it is for others', async () => {
  const token = key.sign({ ...claims, aud: ['portal', 'desk'] })
  await expect(setUp().verifier.verify(token)).rejects.toMatchObject({ code: 'edge.invalid_token' })
})
