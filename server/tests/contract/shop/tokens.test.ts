import { createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { expect, inject, test } from 'vitest'
import { claimsOf, forgeToken } from '../../support/tokens.ts'
import { call, expectFailure, shopClient } from './client.ts'

const arrangement = inject('arrangement')
const shop = shopClient(arrangement)

const keys = async () => {
  const answer = await fetch(`${shop.urls.auth}/.well-known/jwks.json`)
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { keys: (JsonWebKey & { kid: string })[] }).keys
}

const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { alg: string; kid: string }

/** Tokens that look like a good one and are none. */
async function forgeries(good: string): Promise<Record<string, string>> {
  const [head, payload, signature] = good.split('.') as [string, string, string]
  const header = headerOf(good)
  const claims = claimsOf(good)
  const jwk = (await keys()).find(({ kid }) => kid === header.kid)!
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const der = publicKey.export({ format: 'der', type: 'spki' }).toString('latin1')
  const flipped = `${signature.slice(0, 40)}${signature[40] === 'A' ? 'B' : 'A'}${signature.slice(41)}`
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signedBy = (fields: object, body: object) => {
    const signed = [fields, body].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const options = { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' } as const
    return `${signed}.${sign('sha256', Buffer.from(signed), options).toString('base64url')}`
  }
  const raised = Buffer.from(JSON.stringify({ ...claims, role: 'admin' })).toString('base64url')
  const { exp: _, ...endless } = claims
  return {
    'a wrong signature': `${head}.${payload}.${flipped}`,
    'an empty signature': `${head}.${payload}.`,
    'a zero signature': `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'other claims': `${head}.${raised}.${signature}`,
    'alg none': forgeToken({ alg: 'none', typ: 'JWT' }, claims),
    'alg none with kid': forgeToken({ ...header, alg: 'none' }, claims),
    'alg nOnE': forgeToken({ ...header, alg: 'nOnE' }, claims),
    'alg none and the old signature': `${forgeToken({ ...header, alg: 'none' }, claims)}${signature}`,
    'no alg': forgeToken({ kid: header.kid }, claims),
    'HS256 with the public key in PEM': forgeToken({ ...header, alg: 'HS256' }, claims, pem),
    'HS256 with the trimmed PEM': forgeToken({ ...header, alg: 'HS256' }, claims, pem.trim()),
    'HS256 with the public key in DER': forgeToken({ ...header, alg: 'HS256' }, claims, der),
    'HS256 with the JWK': forgeToken({ ...header, alg: 'HS256' }, claims, JSON.stringify(jwk)),
    'HS256 with nothing': forgeToken({ ...header, alg: 'HS256' }, claims, ''),
    "a stranger's key": signedBy(header, claims),
    "a stranger's key and kid": signedBy({ ...header, kid: 'mine' }, claims),
    "a stranger's key in the header": signedBy(
      { ...header, jwk: stranger.publicKey.export({ format: 'jwk' }) },
      claims,
    ),
    'a kid that is a path': signedBy({ ...header, kid: '../../../../dev/null' }, claims),
    'a kid that is no text': signedBy({ ...header, kid: { toString: 1 } }, claims),
    'no kid': signedBy({ alg: 'ES256' }, claims),
    expired: signedBy(header, { ...claims, exp: claims.iat - 10 }),
    'no exp': signedBy(header, endless),
    'another audience': signedBy(header, { ...claims, aud: 'helpdesk' }),
    'the future': signedBy(header, { ...claims, iat: claims.iat + 3600, exp: claims.exp + 3600 }),
    truncated: good.slice(0, -1),
    'half of it': good.slice(0, good.length / 2),
    'no signature': `${head}.${payload}`,
    'its head only': head,
    'one character more': `${good}A`,
    'one part more': `${good}.AAAA`,
    'a refresh token': Buffer.alloc(64, 7).toString('base64url'),
    '10 kB of letters': 'a'.repeat(10_240),
    '10 kB of claims': `${head}.${Buffer.from(JSON.stringify({ ...claims, x: 'x'.repeat(7_400) })).toString('base64url')}.${signature}`,
    'dots only': '..',
    'a header that is null': `${Buffer.from('null').toString('base64url')}.${payload}.${signature}`,
    'claims that are no JSON': `${head}.AAAA.${signature}`,
  }
}

test('S-44 S-67 forged, cut and overlong tokens are 401 INVALID_TOKEN, at the gateway, at the units and at verify', async () => {
  const person = await shop.register()
  const { gateway, users, orders } = shop.urls
  for (const [kind, token] of Object.entries(await forgeries(person.token))) {
    for (const url of [`${gateway}/users/profile`, `${gateway}/orders`, `${users}/users/profile`, `${orders}/orders`]) {
      const answer = await call('GET', url, { token })
      expectFailure(answer, 401, 'INVALID_TOKEN', `${kind} at ${url}`)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    expectFailure(await shop.post('/auth/verify', { json: { token } }), 401, 'INVALID_TOKEN', `${kind} at verify`)
  }
  expect((await shop.get('/users/profile', { token: person.token })).status).toBe(200)
})

test('S-41 S-44 S-67 every protected route answers 401 itself, before it looks at anything else', async () => {
  const routes = [
    ['POST', '/auth/logout', shop.urls.auth],
    ['GET', '/users', shop.urls.users],
    ['GET', '/users/1', shop.urls.users],
    ['GET', '/users/999999999', shop.urls.users],
    ['GET', '/users/profile', shop.urls.users],
    ['POST', '/users', shop.urls.users],
    ['PUT', '/users/1', shop.urls.users],
    ['DELETE', '/users/999999999', shop.urls.users],
    ['GET', '/orders', shop.urls.orders],
    ['POST', '/orders', shop.urls.orders],
    ['GET', '/orders/999999999', shop.urls.orders],
    ['PUT', '/orders/999999999', shop.urls.orders],
  ] as const
  for (const [method, path, unit] of routes) {
    for (const base of [shop.urls.gateway, unit]) {
      const note = `${method} ${base}${path}`
      const refused = [
        [{}, 'MISSING_TOKEN'],
        [{ headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } }, 'MISSING_TOKEN'],
        [{ headers: { authorization: 'Bearer' } }, 'MISSING_TOKEN'],
        [{ token: 'x.y.z' }, 'INVALID_TOKEN'],
        [
          { token: 'x.y.z', ...(method !== 'GET' && { raw: '{not json', headers: { 'content-type': 'x/y' } }) },
          'INVALID_TOKEN',
        ],
      ] as const
      for (const [options, code] of refused) {
        const answer = await call(method, `${base}${path}`, options)
        expectFailure(answer, 401, code, note)
        expect(answer.headers.get('www-authenticate'), note).toMatch(/^Bearer/)
      }
    }
  }
})

test('S-27 verify tells whose token it is, and until when', async () => {
  const person = await shop.register()
  for (const base of [shop.urls.gateway, shop.urls.auth]) {
    const answer = await call('POST', `${base}/auth/verify`, { json: { token: person.token } })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      data: { username: person.username, role: 'user', expires_at: person.claims.exp },
    })
  }
  const admin = await shop.admin()
  expect((await shop.post('/auth/verify', { json: { token: admin } })).body.data).toMatchObject({ role: 'admin' })
})

test('S-27 verify without a token is 400 MISSING_TOKEN', async () => {
  for (const json of [{}, { token: '' }, { token: 5 }, { token: null }, { token: ['x'] }, []]) {
    expectFailure(await shop.post('/auth/verify', { json }), 400, 'MISSING_TOKEN', JSON.stringify(json))
  }
  expectFailure(await shop.post('/auth/verify'), 400, 'MISSING_TOKEN')
})

test('S-22 the scheme is not case-sensitive', async () => {
  const { token } = await shop.register()
  for (const scheme of ['bearer', 'BEARER']) {
    const answer = await shop.get('/users/profile', { headers: { authorization: `${scheme} ${token}` } })
    expect(answer.status).toBe(200)
  }
})

test('S-44 the published keys hold no private part, and the tokens are ES256 of one of them', async () => {
  const published = await keys()
  expect(published.length).toBeGreaterThan(0)
  for (const key of published) {
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', kid: expect.any(String) })
    expect(key).not.toHaveProperty('d')
  }
  const { token } = await shop.register()
  expect(headerOf(token)).toMatchObject({ alg: 'ES256' })
  expect(published.map(({ kid }) => kid)).toContain(headerOf(token).kid)
})
