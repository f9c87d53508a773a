import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { preparedDataDir } from '../support/prepared-data.ts'
import { type GuichetProcess, startProcess, testEnvironment } from '../support/processes.ts'

/** Signs in with an `X-Forwarded-For` and gives the status with the address that the session was recorded under. */
function setUp(environment: Record<string, string>) {
  let folder: string
  let server: GuichetProcess
  beforeAll(async () => {
    folder = await preparedDataDir('guichet-proxies')
    server = await startProcess(['start'], { ...testEnvironment, ...environment, GUICHET_DATA_DIR: folder, PORT: '0' })
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return async (forwardedFor: string) => {
    const answer = await fetch(`${server.urls.gateway}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': forwardedFor },
      body: JSON.stringify({ username: 'admin', password: 'admin' }),
    })
    const admin = (await readFile(join(folder, 'postgres', 'url'), 'utf8')).trim()
    const client = new pg.Client({ connectionString: admin.replace(/postgres$/, 'identity') })
    await client.connect()
    const { rows } = await client.query('SELECT host(ip) AS ip FROM sessions ORDER BY created_at DESC LIMIT 1')
    await client.end()
    return { status: answer.status, ip: rows[0]?.ip as string }
  }
}

describe('behind a trusted proxy', () => {
  const signIn = setUp({ GUICHET_TRUSTED_PROXIES: '127.0.0.1/32' })
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8::9', '2001:db8::9'],
    ['fe80::1%eth0', 'fe80::1'],
    ['203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['unknown', '127.0.0.1'],
    ["'; DROP TABLE sessions; --", '127.0.0.1'],
    ['999.1.1.1', '127.0.0.1'],
  ])('X-Forwarded-For: %s is recorded as %s', async (stated, recorded) => {
    expect(await signIn(stated)).toEqual({ status: 200, ip: recorded })
  })
})

describe('without one', () => {
  const signIn = setUp({})
  test('X-Forwarded-For of a stranger is not believed', async () => {
    expect(await signIn('203.0.113.9')).toEqual({ status: 200, ip: '127.0.0.1' })
  })
})
