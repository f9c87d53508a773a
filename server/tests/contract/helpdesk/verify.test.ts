import { describe, expect, inject, test } from 'vitest'
import { claimsOf, forgeToken } from '../../support/tokens.ts'
import { shopClient } from '../shop/client.ts'
import { call, expectNotVerified, helpdeskClient } from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const methods = ['GET', 'POST'] as const
const verify = (token: string | undefined, method = 'GET', headers: Record<string, string> = {}) =>
  call(method, helpdesk.at('/api/auth/verify'), { token, headers })

test('H-10 H-12 H-17 a good token is 200 in the form of the guide and of the reference, by GET and by POST', async () => {
  const { token, id, email, claims } = await helpdesk.register()
  const user = { id, userId: id, email, role: 'user' }
  const expiresAt = new Date(claims.exp * 1000).toISOString()
  for (const method of methods) {
    const answer = await verify(token, method)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      valid: true,
      user,
      data: { user, valid: true, tokenData: claims, token: { valid: true, expiresAt } },
    })
  }
})

test('H-17 a POST may carry any body, or none that can be read', async () => {
  const { token } = await helpdesk.register()
  for (const raw of ['', '{', '{"token":"x"}']) {
    const headers = { 'content-type': 'application/json' }
    const answer = await call('POST', helpdesk.at('/api/auth/verify'), { token, raw, headers })
    expect(answer.status, raw).toBe(200)
  }
})

test('H-13 H-69 a missing, malformed, forged or expired token is 401 with valid false, error and message', async () => {
  const { token, claims } = await helpdesk.register()
  const [head = '', payload = '', signature = ''] = token.split('.')
  const raised = Buffer.from(JSON.stringify({ ...claims, role: 'admin' })).toString('base64url')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object
  const tokens = {
    none: undefined,
    empty: '',
    malformed: 'not-a-token',
    cut: `${head}.${payload}`,
    unsigned: `${head}.${payload}.`,
    'other claims': `${head}.${raised}.${signature}`,
    'alg none': forgeToken({ alg: 'none' }, claims),
    'HS256 with a guessed secret': forgeToken({ ...header, alg: 'HS256' }, claims, 'your-very-long-secret-key'),
    'ten kilobytes': 'x'.repeat(10_000),
  }
  for (const [name, bad] of Object.entries(tokens)) {
    for (const method of methods) {
      const answer = await verify(bad, method)
      expectNotVerified(answer, `${method} ${name}`)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  }
  for (const authorization of ['Bearer', `Basic ${token}`, token]) {
    expectNotVerified(await verify(undefined, 'GET', { authorization }), authorization.slice(0, 10))
  }
  expect((await verify(undefined, 'GET', { authorization: `bearer ${token}` })).status).toBe(200)
})

test('H-13 H-52 a token is refused as soon as its owner signed out, was deactivated or got another role', async () => {
  const ends = {
    logout: ({ token }: { token: string }) => helpdesk.post('/api/auth/logout', { token }),
    deactivation: ({ email }: { email: string }) =>
      helpdesk.command('account', 'deactivate', email, '--contract', 'helpdesk'),
    role: ({ email }: { email: string }) =>
      helpdesk.command('account', 'grant', email, 'manager', '--contract', 'helpdesk'),
  }
  for (const [name, end] of Object.entries(ends)) {
    const person = await helpdesk.register()
    expect((await verify(person.token)).status, name).toBe(200)
    await end(person)
    await expect.poll(async () => (await verify(person.token)).status, { timeout: 5_000 }).toBe(401)
    for (const method of methods) expectNotVerified(await verify(person.token, method), name)
  }
})

test('H-10 verify tells the role that was granted', async () => {
  const { email, password } = await helpdesk.register()
  for (const role of ['agent', 'admin']) {
    const granted = await helpdesk.command('account', 'grant', email, role, '--contract', 'helpdesk')
    expect(granted.code, granted.stderr).toBe(0)
    const { accessToken } = await helpdesk.signIn(email, password)
    expect((await verify(accessToken)).body).toMatchObject({ user: { email, role }, data: { tokenData: { role } } })
  }
})

if (arrangement.name === 'all')
  describe('beside other contracts', () => {
    test("H-13 another contract's token is 401, and ours is refused there", async () => {
      const shop = shopClient(arrangement)
      const [foreign, own] = await Promise.all([shop.register(), helpdesk.register()])
      expectNotVerified(await verify(foreign.token))
      expect((await helpdesk.get('/api/auth/me', { token: foreign.token })).status).toBe(401)
      expect((await shop.get('/users/profile', { token: own.token })).status).toBe(401)
      expect(claimsOf(foreign.token).aud).toBe('shop')
    })
  })
