import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { clientsClient, expectFailure } from '../../contract/clients/client.ts'
import { freePorts, runCommand, startProcess, testEnvironment } from '../../support/processes.ts'
import { execute } from '../../support/test-databases.ts'
import { claimsOf, forgeToken } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

// The variables of the service's own document, which count in its topology.
const server = new URL(inject('postgresUrl'))
const name = uniqueName('clients_db')
const secret = 'a shared secret of the clients service, long enough'
let folder: string
let environment: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-clients-'))
  const [port] = await freePorts(1)
  environment = {
    ...testEnvironment,
    GUICHET_DATA_DIR: folder,
    PORT: String(port),
    DATABASE_HOST: server.hostname,
    DATABASE_PORT: server.port,
    DATABASE_USERNAME: decodeURIComponent(server.username),
    DATABASE_PASSWORD: decodeURIComponent(server.password),
    DATABASE_NAME: name,
    JWT_SECRET_KEY: secret,
    INSTANCE_ID: 'clients-7',
  }
})

afterAll(async () => {
  await execute(server.href, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)
  await rm(folder, { recursive: true, force: true })
})

const guichet = async (...words: string[]) => {
  const { code, stdout, stderr } = await runCommand([...words, '--topology', 'clients'], environment)
  expect(code, stderr).toBe(0)
  return stdout
}

test('C-03 C-24 C-25 C-27 C-28 C-29 C-30 C-32 one command each makes, migrates and seeds the database that the variables name', async () => {
  expect(await guichet('database', 'create')).toContain(name)
  expect(await guichet('migrate', '--no-backup')).toContain('applied')
  await guichet('seed')
  await guichet('seed')

  const service = await startProcess(['start', 'clients'], environment)
  try {
    const base = `http://127.0.0.1:${environment.PORT}`
    const clients = clientsClient({
      urls: { gateway: base, auth: base, users: base, orders: base },
      postgresUrl: server.href,
    })
    const seeded = { email: 'client@example.com', password: 'password123' }
    const { token } = await clients.signIn(seeded)
    const claims = claimsOf(token)
    const [head = ''] = token.split('.')
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { alg: string }
    expect(header.alg).toBe('HS256')
    expect(forgeToken(header, claims, secret)).toBe(token)
    const me = await clients.get('/api/v1/me', { token })
    expect(me.body).toMatchObject({ email: seeded.email, email_verified: true, mfa_enabled: true })
    expect(me.headers.get('x-instance-id')).toBe('clients-7')

    const unverified = await clients.post('/api/v1/auth/login', { ...seeded, email: 'unverified@example.com' })
    expectFailure(unverified, 401, 'AUTH_FAILED', [/not verified/i])
  } finally {
    await service.stop()
  }
})

test('C-24 seeding is refused in production', async () => {
  const names = ['PATH', 'HOME', 'GUICHET_DATA_DIR', 'DATABASE_HOST', 'DATABASE_PORT', 'DATABASE_PASSWORD']
  const production = Object.fromEntries(Object.entries(environment).filter(([key]) => names.includes(key)))
  const refused = await runCommand(['seed', '--topology', 'clients'], { ...production, GUICHET_SECRET: secret })
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('GUICHET_DEV')
})
