import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../tests/support/processes.ts'
import { jsonHeaders, productionCost } from './guichet.ts'
import { compare } from './reads.ts'
import type { Result } from './result.ts'

/** Reading one's profile: everything in one process, and in a user service that asks the auth service about the token over HTTP. */
export async function measureProfile(): Promise<Result[]> {
  return [await measured('one process', ['helpdesk'], 0.6), await measured('two processes', units)]
}

const units = ['helpdesk/auth-service', 'helpdesk/user-service'] as const

async function measured(how: string, words: readonly string[], least?: number): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'guichet-bench-'))
  const [auth, users] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`) as [string, string]
  const environment = { ...testEnvironment, ...productionCost, GUICHET_DATA_DIR: dataDir, AUTH_SERVICE_URL: auth }
  const [authPort, usersPort] = [new URL(auth).port, new URL(users).port]
  const processes: GuichetProcess[] = []
  try {
    for (const word of words) {
      const ports =
        words.length === 1
          ? { AUTH_SERVICE_PORT: authPort, USER_SERVICE_PORT: usersPort }
          : { PORT: word === units[0] ? authPort : usersPort }
      processes.push(await startProcess(['start', word], { ...environment, ...ports }))
    }
    const headers = { authorization: `Bearer ${await register(auth)}` }
    return await compare(`GET /api/profile/me, ${how},`, `${users}/api/profile/me`, headers, least)
  } finally {
    // The owner of the database last.
    for (const process of processes.reverse()) await process.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function register(auth: string): Promise<string> {
  const answer = await fetch(`${auth}/api/auth/register`, {
    method: 'POST',
    headers: jsonHeaders,
    body: JSON.stringify({ email: 'bench@example.org', password: 'Correct-horse7' }),
  })
  const { accessToken } = (await answer.json()) as { accessToken: string }
  return accessToken
}
