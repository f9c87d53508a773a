import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectFailure, type Pair } from '../../contract/tenants/client.ts'
import { eventually } from '../../support/eventually.ts'
import { type Answer, call } from '../../support/http-call.ts'
import { type MailCatcher, startMailCatcher } from '../../support/mail-catcher.ts'
import { freePorts, type GuichetProcess, runCommand, startProcess, testEnvironment } from '../../support/processes.ts'
import { redisStartTimeout, startRedis, type TestRedis } from '../../support/redis.ts'
import { freshDatabase } from '../../support/test-databases.ts'
import { claimsOf } from '../../support/tokens.ts'

/** The user service as it runs in production: only the names of its own document are set. */
const fresh = freshDatabase('tenants_production')
const mailUser = { username: 'mailer', password: 'the password of the mail server' }
const secrets = {
  SECRET_KEY: 'the master secret of the production test, long enough',
  JWT_SECRET_KEY: 'the signing secret of the production test, long enough',
}
let folder: string
let redis: TestRedis
let mails: MailCatcher
let server: GuichetProcess
let environment: Record<string, string>
let url: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-tenants-'))
  redis = await startRedis()
  mails = await startMailCatcher(0, {
    authOptional: false,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (auth, _session, done) => {
      const right = auth.username === mailUser.username && auth.password === mailUser.password
      done(right ? null : new Error('wrong'), { user: auth.username })
    },
  })
  const [port] = await freePorts(1)
  url = `http://127.0.0.1:${port}`
  environment = {
    PATH: testEnvironment.PATH!,
    HOME: testEnvironment.HOME!,
    HOST: '127.0.0.1',
    NODE_ENV: 'production',
    PORT: String(port),
    GUICHET_DATA_DIR: folder,
    DATABASE_URL: fresh.url,
    REDIS_URL: redis.url,
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: String(mails.port),
    MAIL_USERNAME: mailUser.username,
    MAIL_PASSWORD: mailUser.password,
    MAIL_DEFAULT_SENDER: 'accounts@example.org',
    APP_URL: 'https://users.example.org',
    ...secrets,
  }
  const migrated = await runCommand(['migrate', '--no-backup', '--topology', 'tenants'], environment)
  expect(migrated.code, migrated.stderr).toBe(0)
  server = await startProcess(['start', 'tenants'], environment, { cwd: folder })
}, redisStartTimeout)
afterAll(async () => {
  await server?.stop()
  await mails?.stop()
  await redis?.stop()
  await rm(folder, { recursive: true, force: true })
})

const post = <Body>(path: string, json: object, headers = {}) => call<Body>('POST', `${url}${path}`, { json, headers })
const email = 'ada@example.org'
const password = 'Violet-harbor-42!'
const another = 'Granite-lamp-83?'
const tenant_name = 'production'
const credentials = { email, password, tenant_name }
const mailAbout = (subject: RegExp) => mails.waitFor((mail) => mail.to === email && subject.test(mail.subject))
const tokenIn = (text: string) =>
  /https:\/\/users\.example\.org\/account\/tenants\/[a-z-]+\?token=([\w-]{64})/.exec(text)?.[1]

test('T-14 T-23 T-25 T-35 T-56 nobody becomes vendor by coming first, and nothing that is mailed is told', async () => {
  const made = await post<object>('/api/register', { ...credentials, full_name: 'Ada', role: 'vendor_admin' })
  expect({ status: made.status, body: made.body }).toEqual({
    status: 201,
    body: { message: 'User registered successfully' },
  })
  const { access_token } = (await post<Pair>('/api/login', credentials)).body
  expect(claimsOf(access_token)).toMatchObject({ role: 'tenant_admin' })
  expect(server.stdout()).toContain('production')
})

test('T-28 JWT_SECRET_KEY signs the tokens', async () => {
  const { access_token } = (await post<Pair>('/api/login', credentials)).body
  const [head = ''] = access_token.split('.')
  expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ alg: 'HS256' })
})

test('T-29 T-30 T-31 T-32 T-33 T-42 the link is mailed over SMTP with the credentials, and verifies the address', async () => {
  const mail = await mailAbout(/./)
  expect(mail.headers.from, 'an address alone has the name of the product').toMatch(
    /^"?Tenants"? <accounts@example.org>$/,
  )
  const token = tokenIn(mail.text)
  expect(token, mail.text).toMatch(/^[\w-]{64}$/)
  expect((await post('/api/verify-email', { token })).status).toBe(200)
})

test('T-43 T-44 the link to reset is mailed and nowhere else to be seen', async () => {
  const asked = await post<object>('/api/reset-password', { email, tenant_name })
  expect({ status: asked.status, fields: Object.keys(asked.body) }).toEqual({ status: 200, fields: ['message'] })
  const mail = await mails.waitFor(({ text }) => text.includes('/account/tenants/reset-password'))
  expect((await post(`/api/reset-password/${tokenIn(mail.text)}`, { password: another })).status).toBe(200)
  expectFailure(await post('/api/login', credentials), 401, 'Invalid credentials')
})

test('T-62 outside development the device cookie is Secure', async () => {
  const answer = await post('/api/login', { ...credentials, password: another })
  expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/; Secure\b/)])
})

test('T-15 T-26 limits are counted in Redis', async () => {
  let last: Answer<unknown> | undefined
  for (let index = 0; index < 6; index += 1) last = await post('/api/login', {})
  expectFailure(last!, 429, 'Too many requests')
})

test('T-12 T-52 the log is lines of JSON in logs/user_service.log, without secrets', async () => {
  const read = () => readFile(join(folder, 'logs', 'user_service.log'), 'utf8').catch(() => '')
  const text = await eventually(read, (one) => expect(one).toContain('/api/login'))
  const lines = text.trimEnd().split('\n')
  for (const line of lines)
    expect(JSON.parse(line), line).toMatchObject({ level: expect.anything(), time: expect.anything() })
  for (const secret of [password, another, mailUser.password, ...Object.values(secrets)])
    expect(text).not.toContain(secret)
})

test('T-26 T-27 without its secrets or Redis it does not start in production, and says what to set', async () => {
  for (const [name, missing] of [
    ['SECRET_KEY', /SECRET_KEY is missing/],
    ['REDIS_URL', /REDIS_URL is missing/],
  ] as const) {
    const { code, stderr } = await runCommand(['start', 'tenants'], { ...environment, [name]: '' })
    expect(code).toBe(1)
    expect(stderr).toMatch(missing)
  }
})
