import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type ClientObject,
  type ClientsClient,
  call,
  clientsClient,
  expectFailure,
  type Tokens,
  time,
  uniqueEmail,
} from '../../contract/clients/client.ts'
import { type CaughtMail, type MailCatcher, startMailCatcher } from '../../support/mail-catcher.ts'
import { preparedDataDir } from '../../support/prepared-data.ts'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../../support/processes.ts'

let catcher: MailCatcher
let folder: string
let service: GuichetProcess
let base: string
let clients: ClientsClient

beforeAll(async () => {
  // The port that the service's document names, unless something has it already.
  catcher = await startMailCatcher(1025).catch(() => startMailCatcher())
  folder = await preparedDataDir('guichet-smtp')
  const [port] = await freePorts(1)
  const { PATH = '', HOME = '' } = testEnvironment
  base = `http://127.0.0.1:${port}`
  // Without development nothing that is mailed is told anywhere else.
  service = await startProcess(['start', 'clients'], {
    PATH,
    HOME,
    HOST: '127.0.0.1',
    GUICHET_SECRET: 'a secret of this test, long enough to be one',
    GUICHET_DATA_DIR: folder,
    PORT: String(port),
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: String(catcher.port),
    APP_URL: 'http://localhost:1',
    CLIENTS_APP_URL: base,
    CLIENTS_PRODUCT_NAME: 'Acme ID',
  })
  const postgresUrl = (await readFile(join(folder, 'postgres', 'url'), 'utf8')).trim()
  clients = clientsClient({ urls: { gateway: base, auth: base, users: base, orders: base }, postgresUrl })
})

afterAll(async () => {
  await service?.stop()
  await catcher?.stop()
  await rm(folder, { recursive: true, force: true })
})

const asBrowser = { accept: 'text/html,application/xhtml+xml', 'accept-language': 'en' }
const password = 'a long password'
const mailTo = (email: string, subject: RegExp) =>
  catcher.waitFor((mail) => mail.to === email && subject.test(mail.subject))
const linkIn = ({ text }: CaughtMail) => /^http\S+$/m.exec(text)?.[0] ?? ''
const codeIn = ({ text }: CaughtMail) => /^\d{6}$/m.exec(text)?.[0] ?? ''

test('C-04 C-05 C-33 C-34 C-35 C-36 C-37 C-38 registers, verifies, signs in, renews and signs out, with nothing but the mails', async () => {
  const email = uniqueEmail()
  const registered = await clients.post<{ client_id: string }>('/api/v1/clients', {
    client: { email, name: 'Ada Lovelace', password },
  })
  expect(registered.status, registered.text).toBe(201)
  expect(Object.keys(registered.body).sort()).toEqual(['client', 'client_id', 'message', 'success'])
  const { client_id: id } = registered.body
  expectFailure(await clients.post('/api/v1/auth/login', { email, password }), 401, 'AUTH_FAILED', [/not verified/i])

  const mail = await mailTo(email, /confirm/i)
  const link = linkIn(mail)
  expect(link).toMatch(new RegExp(`^${base}/api/v1/clients/${id}/verify_email\\?token=[\\w-]{43,}$`))
  expect(mail.text).toContain('Ada Lovelace')
  expect(mail.subject, 'the product as it is named').toContain('Acme ID')
  expect(mail.headers.from).toMatch(/^"?Acme ID"? <noreply@localhost>$/)
  expect(mail.html).toContain(`href="${link}"`)

  // The link shows a page, and following it uses nothing up.
  const page = await fetch(link, { headers: asBrowser })
  expect(page.status).toBe(200)
  const html = await page.text()
  const [verified] = await clients.rows<{ email_verified: boolean }>(
    'SELECT email_verified FROM clients WHERE id = $1',
    [id],
  )
  expect(verified).toEqual({ email_verified: false })
  const action = /action="([^"]+)"/.exec(html)?.[1] ?? ''
  const token = /name="token" value="([^"]+)"/.exec(html)?.[1] ?? ''
  const pressed = await fetch(new URL(action, link), { method: 'POST', body: new URLSearchParams({ token }) })
  expect(pressed.status).toBe(200)
  expect(await pressed.text()).toContain('Your address is confirmed')

  const login = await clients.post<{ session_token: string }>('/api/v1/auth/login', { email, password })
  expect(login.status, login.text).toBe(200)
  expect(Object.keys(login.body).sort()).toEqual(['message', 'mfa_required', 'session_token', 'success'])
  const mfa_code = codeIn(await mailTo(email, /code/i))
  expect(mfa_code).toMatch(/^[1-9]\d{5}$/)
  const { session_token } = login.body
  const signedIn = await clients.post<Tokens>('/api/v1/auth/verify_mfa', { session_token, mfa_code })
  expect(signedIn.status, signedIn.text).toBe(200)

  const me = await clients.get<ClientObject>('/api/v1/me', { token: signedIn.body.token })
  expect(me.status).toBe(200)
  expect(me.body).toMatchObject({ id, email, email_verified: true, mfa_enabled: true })

  const renewed = await clients.post<Tokens>('/api/v1/auth/refresh_token', {
    refresh_token: signedIn.body.refresh_token,
  })
  expect(renewed.status, renewed.text).toBe(200)
  expect(await clients.statusOf(renewed.body.token)).toBe(200)

  expect((await clients.post('/api/v1/auth/logout', undefined, { token: renewed.body.token })).status).toBe(200)
  for (const ended of [signedIn.body.token, renewed.body.token]) {
    expectFailure(await clients.get('/api/v1/me', { token: ended }), 401, 'UNAUTHORIZED')
  }

  expect(await clients.events(id)).toEqual([
    {
      type: 'client.registered',
      data: { client_id: id, email, name: 'Ada Lovelace', registered_at: expect.stringMatching(time) },
    },
    { type: 'client.email_verified', data: { client_id: id, email, verified_at: expect.stringMatching(time) } },
    { type: 'client.logged_in', data: { client_id: id, logged_in_at: expect.stringMatching(time) } },
  ])
  expect(catcher.mails.filter(({ to }) => to === email)).toHaveLength(2)
  // What was mailed is in no log.
  for (const secret of [token, mfa_code, session_token, password]) {
    expect(service.stdout() + service.stderr()).not.toContain(secret)
  }
})

test('C-08 C-33 a resent link verifies as well, and the one before it no longer does', async () => {
  const email = uniqueEmail()
  const { body } = await clients.post<{ client_id: string }>('/api/v1/clients', {
    client: { email, name: 'Ada Lovelace', password },
  })
  const first = linkIn(await mailTo(email, /confirm/i))
  expect((await clients.post(`/api/v1/clients/${body.client_id}/resend_verification`)).status).toBe(200)
  const second = linkIn(
    await catcher.waitFor((mail) => mail.to === email && /confirm/i.test(mail.subject) && linkIn(mail) !== first),
  )
  expect((await call('POST', second)).status).toBe(200)
  expectFailure(await call('POST', first), 422, 'VERIFICATION_FAILED', 1)
})
