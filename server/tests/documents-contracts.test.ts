import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  commandsOf,
  dataFolder,
  firstLine,
  inTerminal,
  made,
  preparedDataFolder,
  readDocument,
  runBlocks,
} from './support/documents.ts'
import { freePorts, repository, startProcess, testEnvironment } from './support/processes.ts'
import { redisStartTimeout, startRedis, type TestRedis } from './support/redis.ts'
import { databaseUrl, execute, freshDatabase } from './support/test-databases.ts'
import { uniqueName } from './support/unique-name.ts'

// What README.md says of the contracts beside the shop.

const readme = await readDocument('README.md')

const post = (port: number, path: string, body: unknown) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const get = (port: number, path: string, token = '') =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${token}` } })

test('C-04 C-05 the clients, with mail', { timeout: 60_000 }, async () => {
  const dataDir = await preparedDataFolder(onTestFinished)
  const server = await startProcess(['start'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: '0' })
  onTestFinished(async () => void (await server.stop()))
  const blocks = readme.blocks.filter((block) => ['# 1. Register', '# 6. See who you are'].includes(firstLine(block)))
  const address = new URL(server.urls.gateway!).host
  const edit = (commands: string) => commands.replaceAll('localhost:8000', address)

  const { code, results } = await runBlocks(blocks, { env: testEnvironment, edit })

  expect(code, results[0]?.stderr).toBe(0)
  const [registered, me] = results
  expect(registered?.statuses).toEqual([201, 200, 200, 200, 200])
  expect(registered?.stdout).toContain('Confirm your e-mail address for Clients')
  expect(JSON.parse(me?.stdout ?? '')).toMatchObject({
    email: 'ada@example.org',
    email_verified: true,
    mfa_enabled: true,
  })
})

test('C-25 T-34 one contract by itself', { timeout: 120_000 }, async () => {
  const [port = 0, users = 0] = await freePorts(2)
  const dataDir = await dataFolder(onTestFinished)
  const common = { ...testEnvironment, GUICHET_DATA_DIR: dataDir, GUICHET_LOG_FILE: join(dataDir, 'service.log') }
  const portsOf = (line: string) =>
    line.endsWith('portal')
      ? { RNCP_API_GATEWAY_PORT: String(port), RNCP_USER_SERVICE_PORT: String(users) }
      : { PORT: String(port) }
  const asked: Readonly<Record<string, () => Promise<void>>> = {
    async clients() {
      expect(await (await get(port, '/health')).json()).toMatchObject({ service: 'clients-service' })
    },
    async tenants() {
      const first = { email: 'first@example.org', password: 'User123!', tenant_name: 'Acme' }
      expect((await post(port, '/api/register', { ...first, full_name: 'First' })).status).toBe(201)
      const { access_token } = (await (await post(port, '/api/login', first)).json()) as { access_token: string }
      expect(await (await get(port, '/api/users/me', access_token)).json()).toMatchObject({ role: 'vendor_admin' })
    },
    async portal() {
      expect(await (await get(port, '/')).text()).toBe('Hello World!')
      for (const name of ['admin', 'ada', 'grace']) {
        const [, password] = new RegExp(`\`(?:${name}@portal\\.example)\` with \`([^\`]+)\``).exec(readme.text) ?? []
        expect((await post(port, '/auth/login', { email: `${name}@portal.example`, password })).status).toBe(200)
      }
    },
  }
  const lines = commandsOf(readme, 'make start TOPOLOGY=clients').split('\n')
  expect(lines).toEqual(Object.keys(asked).map((name) => `make start TOPOLOGY=${name}`))
  // One after another on one data folder, as it is said there.
  for (const [index, ask] of Object.values(asked).entries()) {
    const line = lines[index]!
    const terminal = inTerminal(made(line), { ...common, ...portsOf(line) })
    try {
      await terminal.says(/Guichet is ready/)
      await ask()
    } finally {
      await terminal.stop()
    }
  }
})

test('a host for each contract', { timeout: 60_000 }, async () => {
  const dataDir = await preparedDataFolder(onTestFinished)
  const server = await startProcess(['start'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: '0' })
  onTestFinished(async () => void (await server.stop()))
  const blocks = readme.blocks.filter((block) => firstLine(block) === 'curl http://portal.localhost:8000/')
  const { port } = new URL(server.urls.gateway!)
  const edit = (commands: string) => commands.replaceAll('.localhost:8000', `.localhost:${port}`)

  const { code, results } = await runBlocks(blocks, { env: testEnvironment, edit })

  expect(code, results[0]?.stderr).toBe(0)
  expect(results[0]?.statuses).toEqual([200, 200, 200, 200])
  expect(results[0]?.stdout).toMatch(/^Hello World!/)
})

describe('the help desk', () => {
  const started = async () => {
    const [auth, users] = (await freePorts(2)).map(String) as [string, string]
    const dataDir = await dataFolder(onTestFinished)
    const urls = { AUTH_SERVICE_URL: `http://127.0.0.1:${auth}`, USER_SERVICE_URL: `http://127.0.0.1:${users}` }
    const env = { ...testEnvironment, GUICHET_DEV: 'true', GUICHET_DATA_DIR: dataDir, ...urls }
    return { auth, users, env }
  }
  /** What `make test-integration` says of the two services, and its exit code. */
  const checked = async (env: Readonly<Record<string, string>>) => {
    const [block] = readme.blocks.filter((one) => firstLine(one) === 'make test-integration')
    const { code, results } = await runBlocks(block ? [block] : [], { env, edit: made })
    return { code, text: `${results[0]?.stdout}${results[0]?.stderr}` }
  }

  test('H-43 H-44 H-45 the help desk, checked from outside', { timeout: 60_000 }, async () => {
    const { auth, users, env } = await started()
    const ports = { AUTH_SERVICE_PORT: auth, USER_SERVICE_PORT: users }
    const terminal = inTerminal(made(commandsOf(readme, 'make start TOPOLOGY=helpdesk')), { ...env, ...ports })
    onTestFinished(terminal.stop)
    await terminal.says(/Guichet is ready: helpdesk/)

    const { code, text } = await checked(env)
    expect(code, text).toBe(0)

    const admin = { email: 'admin@helpdesk.example', password: 'Admin123!' }
    expect(readme.text).toContain(`\`${admin.email}\` with \`${admin.password}\``)
    expect((await post(Number(auth), '/api/auth/login', admin)).status).toBe(200)
  })

  test('H-43 the help desk on the default host, checked from outside', { timeout: 60_000 }, async () => {
    const [port] = (await freePorts(1)).map(String) as [string]
    const dataDir = await preparedDataFolder(onTestFinished)
    const server = await startProcess(['start'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: port })
    onTestFinished(async () => void (await server.stop()))
    const { code, text } = await checked({ ...testEnvironment, GUICHET_URL: `http://127.0.0.1:${port}` })
    expect(code, text).toBe(0)
    expect(text).toContain(`user service: http://127.0.0.1:${port}`)
    expect(text).toContain('12 passed, 0 failed')
  })

  test('H-62 H-63 H-64 H-65 H-66 H-67 the help desk as two processes', { timeout: 60_000 }, async () => {
    const { auth, users, env } = await started()
    const lines = commandsOf(readme, 'npm run guichet -- start helpdesk/auth-service').split('\n')
    expect(lines).toHaveLength(2)
    for (const [index, line] of lines.entries()) {
      const terminal = inTerminal(line, { ...env, PORT: index === 0 ? auth : users })
      onTestFinished(terminal.stop)
      await terminal.says(/is ready/)
    }
    const { code, text } = await checked(env)
    expect(code, text).toBe(0)
  })

  test('H-46 H-59 H-60 make logs follows what is written', { timeout: 60_000 }, async () => {
    const folder = await dataFolder(onTestFinished)
    const [auth, users] = (await freePorts(2)).map(String) as [string, string]
    const server = await startProcess(['start', 'helpdesk'], {
      ...testEnvironment,
      GUICHET_DATA_DIR: join(folder, 'data'),
      GUICHET_LOG_FILE: join(folder, 'logs', 'helpdesk.log'),
      LOG_LEVEL: 'info',
      AUTH_SERVICE_PORT: auth,
      USER_SERVICE_PORT: users,
    })
    onTestFinished(async () => void (await server.stop()))
    const terminal = inTerminal(
      `cd '${folder}' && exec make -f '${join(repository, 'Makefile')}' logs`,
      testEnvironment,
    )
    onTestFinished(terminal.stop)
    await get(Number(auth), '/api/auth/health')
    await terminal.says(/"path":"\/api\/auth\/health"/)
    expect(terminal.stdout().match(/"path":"\/api\/auth\/health"/g)).toHaveLength(1)
  })

  test('H-86 H-87 the script of the migrations makes the tables of both services', { timeout: 60_000 }, async () => {
    const script = join(repository, 'scripts', 'migrate.js')
    const migrated = async (url: string) => {
      const terminal = inTerminal(`node '${script}' --topology helpdesk --no-backup`, {
        ...testEnvironment,
        DATABASE_URL: url,
      })
      onTestFinished(terminal.stop)
      await terminal.says(/^profiles: .*\n/m)
      return terminal.stdout()
    }
    const name = uniqueName('helpdesk_db')
    await execute(databaseUrl(), `CREATE DATABASE "${name}"`)
    onTestFinished(() => execute(databaseUrl(), `DROP DATABASE "${name}" WITH (FORCE)`))
    const url = new URL(databaseUrl())
    url.pathname = `/${name}`
    expect(await migrated(url.href)).toMatch(/identity: applied 0001_[\s\S]*profiles: applied 0001_/)
    expect(await migrated(url.href)).toMatch(/identity: up to date\nprofiles: up to date/)
  })

  test('H-68 the check says what to start when a service is away', async () => {
    const { env } = await started()
    const { code, text } = await checked(env)
    expect(code).not.toBe(0)
    expect(text).toContain(env.AUTH_SERVICE_URL)
    expect(text).toContain(env.USER_SERVICE_URL)
  })
})

describe('on a server of one’s own', () => {
  const name = uniqueName('clients_db')
  afterAll(() => execute(databaseUrl(), `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`))

  test('C-03 C-24 C-25 a database of its own', { timeout: 60_000 }, async () => {
    const [port = 0] = await freePorts(1)
    const server = new URL(databaseUrl())
    const parts: Readonly<Record<string, string>> = {
      HOST: server.hostname,
      PORT: server.port,
      USERNAME: decodeURIComponent(server.username),
      PASSWORD: decodeURIComponent(server.password),
      NAME: name,
    }
    const commands = commandsOf(readme, 'export GUICHET_DEV=true')
    const edited = commands.replaceAll(
      /DATABASE_([A-Z]+)=\S+/g,
      (_, part: string) => `DATABASE_${part}='${parts[part]}'`,
    )
    const dataDir = await dataFolder(onTestFinished)
    const terminal = inTerminal(edited, { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: String(port) })
    onTestFinished(terminal.stop)

    await terminal.says(/Guichet is ready: clients/)
    expect(terminal.stdout()).toContain(`${name} at ${server.host}: made`)
    const seeded = { email: 'client@example.com', password: 'password123' }
    expect(readme.text).toContain(`\`${seeded.email}\``)
    expect((await post(port, '/api/v1/auth/login', seeded)).status).toBe(200)
  })
})

describe('in production', () => {
  const database = freshDatabase('readme_tenants')
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  }, redisStartTimeout)
  afterAll(() => redis?.stop())

  test('T-15 T-23 T-35 T-52 the first day of tenants', { timeout: 120_000 }, async () => {
    const [port = 0] = await freePorts(1)
    const { PATH, HOME, HOST } = testEnvironment as Record<string, string>
    const dataDir = await dataFolder(onTestFinished)
    const logFile = join(dataDir, 'logs', 'user_service.log')
    const env = { PATH: PATH!, HOME: HOME!, HOST: HOST!, GUICHET_DATA_DIR: dataDir, GUICHET_LOG_FILE: logFile }
    const secretKey = `export SECRET_KEY=$(node -p 'crypto.randomBytes(48).toString("base64url")')` as const
    const create =
      'npm run guichet -- account create operator@example.org --contract tenants --tenant main --role vendor_admin \\'
    const operator = { email: 'operator@example.org', password: 'Operator-Pass-1', tenant_name: 'main' }
    const edited = [
      commandsOf(readme, secretKey)
        .replace(/postgresql:\/\/tenants:password@db\.example\.org:5432\/tenants/, database.url)
        .replace(/redis:\/\/redis\.example\.org:6379\/0/, redis.url),
      // What a person types.
      `${commandsOf(readme, create)} <<< '${operator.password}'`,
      commandsOf(readme, 'npm run guichet -- start tenants'),
    ].join('\n')
    expect(edited).toContain(database.url)
    expect(edited).toContain(redis.url)
    const terminal = inTerminal(edited, { ...env, PORT: String(port) })
    onTestFinished(terminal.stop)

    await terminal.says(/Guichet is ready: tenants \(production mode\)/)
    const login = await post(port, '/api/login', operator)
    expect(login.status).toBe(200)
    const { access_token } = (await login.json()) as { access_token: string }
    const users = await get(port, '/api/users', access_token)
    expect(await users.json()).toMatchObject({ total: 1, users: [{ email: operator.email, role: 'vendor_admin' }] })

    // Limits are counted in Redis, and the log is also in the file.
    const client = new Redis(redis.url)
    onTestFinished(() => client.disconnect())
    expect(await client.keys('guichet:limit*')).not.toEqual([])
    await access(logFile)
    expect(await readFile(logFile, 'utf8')).not.toContain(operator.password)
  })
})
