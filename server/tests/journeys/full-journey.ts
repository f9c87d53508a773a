import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import type { MailCatcher } from '../support/mail-catcher.ts'
import type { SecretHunt } from './secret-hunt.ts'

/** What a journey needs of the world. */
export interface AppContext {
  base: string
  hunt: SecretHunt
  catcher: MailCatcher
  /** A file that the import may be written to. */
  file: string
  /** Runs a command beside the server; its output is logged like the server's. */
  guichet(words: string, input?: string): Promise<void>
  /** Keeps an answer that refuses something. */
  refused(path: string, status: number, text: string): void
}

interface Asked {
  token?: string | undefined
  json?: unknown
  raw?: string
  cookie?: string
  /** The status that is expected. */
  is: number
}

/** People walking through every contract, right ways and wrong ones. */
export function journey({ base, hunt, catcher, file, guichet, refused }: AppContext) {
  let asked = 0

  /** One request from an address of its own, with all its secrets noted. */
  async function ask(method: string, path: string, { token, json, raw, cookie, is }: Asked) {
    asked += 1
    if (token !== undefined) hunt.note('access token', token)
    hunt.noteFields(json)
    const body = json === undefined ? raw : JSON.stringify(json)
    const answer = await fetch(`${base}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        'x-forwarded-for': `198.51.${Math.floor(asked / 250)}.${asked % 250}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(cookie !== undefined && { cookie }),
      },
      ...(body !== undefined && { body }),
    })
    const text = await answer.text()
    expect(answer.status, `${method} ${path}: ${text}`).toBe(is)
    // biome-ignore lint/suspicious/noExplicitAny: each contract has forms of its own
    let said: any
    try {
      said = JSON.parse(text)
    } catch {
      said = {}
    }
    hunt.noteFields(said)
    const cookies = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')
    for (const pair of cookies) hunt.note('cookie', pair.slice(pair.indexOf('=') + 1))
    if (answer.status >= 400) {
      // How a sign-in goes on is what this one answer is for.
      const { session_token, mfa_code, ...rest } = said
      const second = [said.code, said.error?.code].includes('MFA_REQUIRED')
      refused(`${method} ${path}`, answer.status, second ? JSON.stringify(rest) : text)
    }
    return { said, cookies }
  }
  const get = (path: string, how: Asked) => ask('GET', path, how)
  const post = (path: string, how: Asked) => ask('POST', path, how)

  /** What the next mail to somebody carries, as the pattern's first group. */
  const read = new Set<string>()
  async function mailed(to: string, kind: string, pattern: RegExp): Promise<string> {
    const mail = await catcher.waitFor((one) => one.to === to && pattern.test(one.text) && !read.has(one.messageId))
    read.add(mail.messageId)
    const secret = pattern.exec(mail.text)?.[1] ?? ''
    hunt.note(kind, secret)
    return secret
  }
  const link = (to: string, path: string) => mailed(to, 'link token', new RegExp(`${path}\\S*[?]token=([\\w-]{20,})`))
  const code = (to: string) => mailed(to, 'code', /^(\d{6})$/m)
  const another = (right: string) => String(100_000 + ((Number(right) + 1) % 900_000))
  const password = (whose: string) => `Parole-1-${randomBytes(9).toString('base64url')}-of-${whose}`

  const clients = async () => {
    const email = 'ada@example.org'
    const right = password('ada')
    const register = (more: object, is: number) =>
      post('/api/v1/clients', { json: { client: { email, name: 'Ada Lovelace', password: right, ...more } }, is })
    await register({ password: 'Kurz-7!' }, 422)
    await register({ password_confirmation: password('nobody') }, 422)
    await register({ name: '', password: password('nobody') }, 422)
    const made = await register({}, 201)
    await register({}, 422)
    const path = `/api/v1/clients/${made.said.client_id}`
    const login = (given: unknown, is: number) => post('/api/v1/auth/login', { json: { email, password: given }, is })
    await login(right, 401)
    const first = await link(email, 'verify_email')
    await post(`${path}/resend_verification`, { is: 200 })
    const token = await link(email, 'verify_email')
    await post(`${path}/verify_email`, { json: { token: `${token}x` }, is: 422 })
    await get(`${path}/verify_email?token=${token}`, { is: 200 })
    await post(`${path}/verify_email?token=${token}`, { is: 422 })
    await post(`${path}/verify_email`, { json: { token: first }, is: 422 })
    await post(`${path}/resend_verification`, { is: 422 })

    await login(password('nobody'), 401)
    await login([right], 400)
    await post('/api/v1/auth/login', { raw: `{"email":"${email}","password":"${right}"`, is: 400 })
    const { session_token } = (await login(right, 200)).said
    const mfa_code = await code(email)
    const check = (json: object, is: number) => post('/api/v1/auth/verify_mfa', { json, is })
    await check({ session_token, mfa_code: another(mfa_code) }, 401)
    const { said, cookies } = await check({ session_token, mfa_code }, 200)
    await check({ session_token, mfa_code }, 401)
    const renew = (refresh_token: unknown, is: number) =>
      post('/api/v1/auth/refresh_token', { json: { refresh_token }, is })
    const renewed = (await renew(said.refresh_token, 200)).said
    await renew(said.refresh_token, 200)
    await renew(said.token, 401)
    await get('/api/v1/me', { token: renewed.token, is: 200 })
    await get('/api/v1/me', { token: `${renewed.token}x`, is: 401 })
    await post('/api/v1/auth/logout', { token: renewed.token, is: 200 })
    await get('/api/v1/me', { token: renewed.token, is: 401 })
    await renew(renewed.refresh_token, 401)
    // A sign-in of the known device that is left half-done, and a lock.
    await post('/api/v1/auth/login', { json: { email, password: right }, cookie: cookies.join('; '), is: 200 })
    await code(email)
    for (let turn = 0; turn < 5; turn += 1) await login(password('nobody'), 401)
    await catcher.waitFor(({ to, text }) => to === email && text.includes('30 minutes'))

    // An account with a second factor is asked for it in a contract that has no step for it.
    const asked = await post('/auth/login', { json: { username: email, password: right }, is: 403 })
    const second = { session_token: asked.said.session_token, mfa_code: await code(email) }
    await post('/auth/login', { json: { ...second, mfa_code: another(second.mfa_code) }, is: 401 })
    await post('/auth/login', { json: second, is: 200 })
  }

  const helpdesk = async () => {
    const email = 'bob@example.org'
    const right = password('bob')
    const register = (json: object, is: number) => post('/api/auth/register', { json: { email, ...json }, is })
    await register({ password: 'kleinundlang' }, 400)
    await register({ password: right, confirmPassword: password('nobody') }, 400)
    await register({ password: right }, 201)
    await register({ password: right }, 409)
    const login = (given: unknown, is: number, whose = email) =>
      post('/api/auth/login', { json: { email: whose, password: given }, is })
    await login(password('nobody'), 401)
    await login({ right }, 400)
    const { said, cookies } = await login(right, 200)
    await get('/api/auth/verify', { token: said.accessToken, is: 200 })
    await get('/api/auth/verify', { token: said.accessToken.slice(0, -2), is: 401 })
    await get('/api/auth/me', { token: said.accessToken, is: 200 })
    const cookie = cookies.filter((pair) => pair.startsWith('refreshToken=')).join('; ')
    const renewed = await post('/api/auth/refresh', { cookie, json: {}, is: 200 })
    await post('/api/auth/refresh', { json: { refreshToken: renewed.said.refreshToken }, is: 200 })
    await post('/api/auth/refresh', { json: { refreshToken: `${said.refreshToken}x` }, is: 401 })

    await post('/api/auth/forgot-password', { json: { email: 'nobody@example.org' }, is: 200 })
    await post('/api/auth/forgot-password', { json: { email }, is: 200 })
    const token = await link(email, 'reset-password')
    const next = password('bob')
    const reset = (given: string, is: number) =>
      post('/api/auth/reset-password', { json: { token, password: given }, is })
    await reset('kleinundlang', 400)
    await get(`/account/helpdesk/reset-password?token=${token}`, { is: 200 })
    await reset(next, 200)
    await reset(next, 400)
    await get('/api/auth/me', { token: said.accessToken, is: 401 })
    const again = (await login(next, 200)).said
    await post('/api/auth/logout', { token: again.accessToken, json: { refreshToken: again.refreshToken }, is: 200 })

    const administrator = password('grace')
    hunt.note('password', administrator)
    await guichet('account create grace@example.org --contract helpdesk --role admin --password-stdin', administrator)
    const admin = (await login(administrator, 200, 'grace@example.org')).said.accessToken
    await get('/api/auth/stats', { token: admin, is: 200 })
    await get(`/api/auth/users/email/${email}`, { token: admin, is: 200 })
    await get(`/api/auth/users/email/${email}`, { token: again.accessToken, is: 401 })
    await post('/api/auth/logout-all', { token: admin, is: 200 })
  }

  const tenants = async () => {
    const email = 'carol@example.org'
    const tenant_name = 'carols'
    const right = password('carol')
    const register = (json: object, is: number) =>
      post('/api/register', { json: { email, password: right, full_name: 'Carol', tenant_name, ...json }, is })
    await register({ password: 'kleinundlang' }, 400)
    await register({ role: 'emperor' }, 400)
    await register({}, 201)
    await register({}, 400)
    const verification = await link(email, 'verify-email')
    await post('/api/verify-email', { json: { token: verification }, is: 200 })
    await post('/api/verify-email', { json: { token: verification }, is: 400 })
    const login = (given: unknown, is: number, whose = email) =>
      post('/api/login', { json: { email: whose, password: given, tenant_name }, is })
    await login(password('nobody'), 401)
    const { access_token, refresh_token } = (await login(right, 200)).said
    const token = (await post('/api/refresh', { token: refresh_token, is: 200 })).said.access_token ?? access_token
    await post('/api/refresh', { token: access_token, is: 401 })
    const change = (json: object, is: number) => ask('PUT', '/api/users/me/password', { token, json, is })
    const second = password('carol')
    await change({ current_password: password('nobody'), new_password: second }, 400)
    await change({ current_password: right, new_password: 'kleinundlang' }, 400)
    await change({ current_password: right, new_password: second }, 200)

    await register({ email: 'dave@example.org' }, 201)
    const listed = await get('/api/users?limit=100', { token, is: 200 })
    const dave = listed.said.users.find((one: { email: string }) => one.email === 'dave@example.org').id
    await ask('PUT', `/api/users/${dave}`, { token, json: { role: 'tenant_admin' }, is: 200 })
    await ask('PUT', `/api/users/${dave}`, { token, json: { role: 'emperor' }, is: 400 })
    await get(`/api/users/${dave}/activity`, { token, is: 200 })
    await get('/api/metrics', { token, is: 200 })
    await ask('PUT', `/api/users/${dave}`, { token, json: { is_active: false }, is: 200 })
    await login(right, 401, 'dave@example.org')

    await post('/api/reset-password', { json: { email, tenant_name }, is: 200 })
    const reset = await link(email, 'reset-password')
    const third = password('carol')
    await post(`/api/reset-password/${reset}`, { json: { password: 'kleinundlang' }, is: 400 })
    await post(`/api/reset-password/${reset}`, { json: { password: third }, is: 200 })
    await post(`/api/reset-password/${reset}`, { json: { password: third }, is: 400 })
    // A browser that opens what is meant to be posted.
    await get(`/api/reset-password/${reset}`, { is: 405 })
    const last = (await login(third, 200)).said
    await post('/api/logout', { token: last.access_token, json: { refresh_token: last.refresh_token }, is: 200 })
    await post('/api/refresh', { token: last.refresh_token, is: 401 })
  }

  const shop = async () => {
    const administrator = password('boss')
    hunt.note('password', administrator)
    await guichet('account create boss --role admin --password-stdin', administrator)
    const right = password('erin')
    const login = (username: string, given: string, is: number) =>
      post('/auth/login', { json: { username, password: given }, is })
    await post('/auth/register', { json: { username: 'erin', password: right }, is: 201 })
    await post('/auth/register', { json: { username: 'erin', password: right }, is: 400 })
    await login('erin', password('nobody'), 401)
    const { access_token, refresh_token } = (await login('erin', right, 200)).said.data
    await post('/auth/verify', { json: { token: access_token }, is: 200 })
    await post('/auth/verify', { json: { token: `${access_token}x` }, is: 401 })
    const renewed = (await post('/auth/refresh', { json: { refresh_token }, is: 200 })).said.data
    const admin = (await login('boss', administrator, 200)).said.data.access_token
    await get('/users', { token: admin, is: 200 })
    const made = { username: 'frank', password: password('frank'), email: 'frank@example.org' }
    const frank = (await post('/users', { token: admin, json: made, is: 201 })).said.data
    await login('frank', made.password, 200)
    await post('/orders', { token: admin, json: { items: [{ product_id: 999, quantity: 1 }] }, is: 400 })
    await ask('DELETE', `/users/${frank.id}`, { token: admin, is: 200 })
    await login('frank', made.password, 401)
    await post('/auth/logout', { token: renewed.access_token, json: renewed, is: 200 })
  }

  const imported = async () => {
    const right = password('heidi')
    hunt.note('password', right)
    const salt = randomBytes(16)
    const key = pbkdf2Sync(right, salt, 1000, 32, 'sha256')
    const line = {
      username: 'heidi',
      email: 'heidi@example.org',
      password_hash: `$pbkdf2-sha256$i=1000$${salt.toString('base64')}$${key.toString('base64')}`,
    }
    await writeFile(file, `${JSON.stringify(line)}\n`)
    await guichet(`import accounts ${file}`)
    // The second sign-in is by the hash that the first one made.
    for (const is of [200, 200]) await post('/auth/login', { json: { username: 'heidi', password: right }, is })
  }

  return { clients, helpdesk, tenants, shop, imported }
}
