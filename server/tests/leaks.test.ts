import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import { expect, test } from 'vitest'
import config from '../vitest.config.ts'
import { watchLeaks } from './support/leaks.ts'
import { databaseUrl } from './support/test-databases.ts'

/** Each opens something and gives what closes it. */
const leaks: Record<string, () => Promise<() => unknown>> = {
  async Timeout() {
    const timer = setInterval(() => undefined, 60_000)
    return () => clearInterval(timer)
  },
  async TCPServerWrap() {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return () => server.close()
  },
  async TCPSocketWrap() {
    const pool = new pg.Pool({ connectionString: databaseUrl() })
    await pool.query('SELECT 1')
    return () => pool.end()
  },
  async ProcessWrap() {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 60_000)'], { stdio: 'ignore' })
    return () => child.kill()
  },
}

test.each(Object.entries(leaks))(
  '%s that a file leaves open is found, and one that it closes is not',
  async (kind, leak) => {
    const leaked = watchLeaks()
    const close = await leak()
    try {
      expect(await leaked(300)).toContainEqual(expect.stringContaining(kind))
    } finally {
      await close()
    }
    expect(await leaked()).toEqual([])
  },
)

test('every file of every project is looked after', () => {
  const projects = config.test?.projects ?? []
  expect(projects.length).toBeGreaterThan(5)
  for (const project of projects) {
    expect(project).toMatchObject({ test: { setupFiles: ['tests/support/leak-check.ts'] } })
  }
})
