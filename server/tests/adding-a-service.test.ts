import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSettings } from '../examples/tickets-service.ts'
import { call, eventually } from './fault/calls.ts'
import { asShown, type Block, dataFolder, firstLine, inTerminal, readDocument, runBlocks } from './support/documents.ts'
import { freePorts, repository, testEnvironment } from './support/processes.ts'

/** `docs/adding-a-service.md`, done as it says. */
const guide = await readDocument('docs/adding-a-service.md')
const source = (path: string) => readFile(join(repository, path), 'utf8')

const blockOf = (pattern: RegExp): Block => {
  const found = guide.blocks.filter((block) => pattern.test(firstLine(block)))
  expect(found, String(pattern)).toHaveLength(1)
  return found[0]!
}

const serviceToken = 'a service token of forty characters, 0123'
const cleanUps: (() => Promise<void>)[] = []
let env: Record<string, string>
let helpdesk: ReturnType<typeof inTerminal>
let urls: { auth: string; tickets: string }

/** The addresses of the guide replaced by those of this test. */
const edit = (commands: string) =>
  commands.replaceAll('http://localhost:3001', urls.auth).replaceAll('http://localhost:3003', urls.tickets)

beforeAll(async () => {
  const [auth, users, tickets] = await freePorts(3)
  urls = { auth: `http://127.0.0.1:${auth}`, tickets: `http://127.0.0.1:${tickets}` }
  env = {
    ...testEnvironment,
    GUICHET_DATA_DIR: await dataFolder((clean) => cleanUps.push(clean)),
    AUTH_SERVICE_URL: urls.auth,
    TICKETS_SERVICE_URL: urls.tickets,
    AUTH_SERVICE_PORT: String(auth),
    USER_SERVICE_PORT: String(users),
  }
  const start = blockOf(/^export INTERNAL_SERVICE_TOKEN=/).commands
  expect(start).toContain('$(openssl rand -base64 48)')
  const commands = start
    .replace('$(openssl rand -base64 48)', `'${serviceToken}'`)
    .replace(/^make /m, 'make -o node_modules/.package-lock.json ')
  helpdesk = inTerminal(commands, env)
  cleanUps.unshift(helpdesk.stop)
  await helpdesk.says(/is ready/)
  env.INTERNAL_SERVICE_TOKEN = serviceToken
  const service = inTerminal(blockOf(/server\/examples\/tickets-service\.ts$/).commands, {
    ...env,
    PORT: String(tickets),
  })
  cleanUps.unshift(service.stop)
  await service.says(/tickets-service is ready/)
})
afterAll(async () => {
  for (const clean of cleanUps) await clean()
})

test('H-82 H-85 the integration tests of the new service pass', { timeout: 60_000 }, async () => {
  const { code, results } = await runBlocks([blockOf(/--test server\/examples\/tickets-service\.test\.ts$/)], {
    env,
    edit,
  })
  expect(code, results[0]?.stdout).toBe(0)
  expect(results[0]?.stdout).toMatch(/pass [5-9]/)
  expect(results[0]?.stdout).toMatch(/skipped 0/)
})

test('H-83 its variables are those of the guide; what is missing or badly formed is said at the start', async () => {
  const section = /^## 2\..*?(?=^## 3)/ms.exec(guide.text)?.[0] ?? ''
  const told = [...section.matchAll(/^\| `([A-Z_]+)` +\| (?:`([^`]+)`|none)/gm)]
  const read = new Set(
    [...(await source('server/examples/tickets-service.ts')).matchAll(/\benv\.([A-Z_]+)/g)].map(([, name]) => name),
  )
  expect(told.map(([, name]) => name).sort()).toEqual([...read].sort())

  const usual = Object.fromEntries(told.map(([, name, value]) => [name, value]))
  const settings = readSettings({ INTERNAL_SERVICE_TOKEN: serviceToken })
  expect(settings).toEqual({
    host: usual.HOST,
    port: Number(usual.PORT),
    authServiceUrl: usual.AUTH_SERVICE_URL,
    authServiceTimeoutMs: Number(usual.AUTH_SERVICE_TIMEOUT),
    serviceToken,
  })
  const wrong = {
    PORT: 'x',
    AUTH_SERVICE_URL: 'auth-service',
    AUTH_SERVICE_TIMEOUT: 'soon',
    INTERNAL_SERVICE_TOKEN: 'short',
  }
  for (const name of Object.keys(wrong)) expect(() => readSettings(wrong)).toThrow(name)
  expect(() => readSettings({})).toThrow('INTERNAL_SERVICE_TOKEN')
})

test('H-84 its health answers as the guide shows', async () => {
  const block = blockOf(/^curl .*\/health$/)
  const { code, results } = await runBlocks([block], { env, edit })
  expect(code, results[0]?.stderr).toBe(0)
  expect(results[0]?.statuses).toEqual([block.answer?.status])
  const answer: unknown = JSON.parse(results[0]?.stdout ?? '')
  expect(asShown(block.answer?.body, answer)).toEqual(block.answer?.body)
})

test('H-89 what the guide tells to look at is there: names, processes, and the words of the log', async () => {
  const { code, results } = await runBlocks([blockOf(/dns\.lookup/)], { env, edit })
  expect(code, results[0]?.stderr).toBe(0)
  expect(results[0]?.statuses).toEqual([200, 200])
  expect(results[0]?.stdout).toMatch(/127\.0\.0\.1|::1/)

  const sources = ['contracts/helpdesk/auth-service-client.ts', 'platform/http/guarded-client.ts']
  const client = (await Promise.all(sources.map((path) => source(`server/src/${path}`)))).join('\n')
  const reasons = [...guide.text.matchAll(/^\| `([a-z][^`]+)` +\| /gm)].flatMap(([, said = '']) =>
    /^(verify|user|ping|close|edge)/.test(said) ? [] : [said.replace(/ [(\d].*/, '')],
  )
  expect(reasons.length).toBeGreaterThan(5)
  for (const reason of reasons) expect(client).toContain(reason)
})

// Last: it ends the helpdesk.
test('H-68 H-84 without the auth service it says so, for everybody and in its health', {
  timeout: 60_000,
}, async () => {
  const json = { email: 'before@example.org', password: 'Correct-horse7' }
  const { body } = await call(urls.auth, 'POST', '/api/auth/register', { body: json })
  const token = body.accessToken as string
  expect((await call(urls.tickets, 'GET', '/api/tickets', { token })).status).toBe(200)
  await helpdesk.stop()
  cleanUps.splice(cleanUps.indexOf(helpdesk.stop), 1)

  const text = 'Auth Service unavailable'
  const refused = await call(urls.tickets, 'GET', '/api/tickets', { token })
  expect({ status: refused.status, body: refused.body }).toEqual({
    status: 503,
    body: { success: false, message: text, error: text, code: 'AUTH_SERVICE_UNAVAILABLE' },
  })
  await eventually(5_000, async () => {
    const health = await call(urls.tickets, 'GET', '/health')
    expect({ status: health.status, said: health.body.status, dependencies: health.body.dependencies }).toEqual({
      status: 503,
      said: 'unhealthy',
      dependencies: { authService: 'disconnected' },
    })
  })
})
