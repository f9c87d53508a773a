import { type ChildProcess, execFile, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openEmbedded } from '../src/platform/db/embedded/index.ts'
import { messageOf } from '../src/platform/errors.ts'
import { silentLogger } from '../src/platform/log.ts'
import { testEnvironment } from '../tests/support/processes.ts'
import { jsonHeaders } from './guichet.ts'

const folder = join(import.meta.dirname, 'better-auth')
const installMs = 120_000
const startMs = 30_000

/** A Better Auth server with sessions in a database of its own, on the PostgreSQL server of a running Guichet. */
export interface BetterAuth {
  url: string
  /** Of JSON posted as by the page it serves: without an origin it refuses. */
  headers: Readonly<Record<string, string>>
  email: string
  password: string
  /** Signs somebody new up; gives the cookie of the session that this opens. */
  signUp(email: string): Promise<string>
  /** Lookups of that cookie's session, called in its process, without HTTP. */
  lookupsPerSecond(cookie: string, milliseconds: number): Promise<number>
  stop(): Promise<void>
}

/** Installs the version that the folder's manifest pins, when it is not there; gives that version. Throws when npm cannot. */
export async function installBetterAuth(): Promise<string> {
  const { dependencies } = await readJson<{ dependencies: { 'better-auth': string } }>('package.json')
  const wanted = dependencies['better-auth']
  const installed = () => readJson<{ version: string }>('node_modules/better-auth/package.json').catch(() => undefined)
  if ((await installed())?.version === wanted) return wanted
  console.log(`Installing Better Auth ${wanted} to measure against ...`)
  try {
    const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1']
    await promisify(execFile)('npm', words, { cwd: folder, timeout: installMs })
  } catch (error) {
    const [reason] = /npm error code \S+/.exec(messageOf(error)) ?? [`not done within ${installMs / 1_000} s`]
    throw new Error(
      `Better Auth ${wanted} could not be installed: npm ci in ${folder} needs the npm registry (${reason}).`,
    )
  }
  return wanted
}

export async function startBetterAuth(dataDir: string): Promise<BetterAuth> {
  const services = ['better_auth'] as const
  const database = await openEmbedded({ dataDir, ownership: 'join-or-own', services, log: silentLogger() })
  const { PATH = '', HOME = '' } = testEnvironment
  const child = fork(join(folder, 'server.js'), {
    env: {
      PATH,
      HOME,
      NODE_ENV: 'production',
      DATABASE_URL: database.url(services[0]),
      BETTER_AUTH_SECRET: randomBytes(48).toString('base64'),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    // It was joined, and goes on for its owner.
    await database.stop()
  }
  try {
    const url = await told<string>(child, startMs)
    const headers = { ...jsonHeaders, origin: url }
    const password = randomBytes(12).toString('hex')
    const signUp = async (email: string) => {
      const body = JSON.stringify({ name: email, email, password })
      const answer = await fetch(`${url}/api/auth/sign-up/email`, { method: 'POST', headers, body })
      const [cookie] = answer.headers.getSetCookie()[0]?.split(';') ?? []
      if (!answer.ok || cookie === undefined) throw new Error(`Better Auth signed nobody up: ${await answer.text()}`)
      await expectExtension(url, cookie)
      return cookie
    }
    const lookupsPerSecond = (cookie: string, milliseconds: number) => {
      child.send({ cookie, milliseconds })
      return told<number>(child, milliseconds + startMs)
    }
    return { url, headers, email: 'person@example.com', password, signUp, lookupsPerSecond, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** It answers 200 without a session, too, and then nothing would be measured; an extension sets the cookie anew. */
async function expectExtension(url: string, cookie: string): Promise<void> {
  const answer = await fetch(`${url}/api/renewing/get-session`, { headers: { cookie } })
  const text = await answer.text()
  if (text === 'null' || answer.headers.getSetCookie().length === 0) {
    throw new Error(`Better Auth did not extend the session it opened: ${text}`)
  }
}

/** What the process says next; throws when it ends first or is silent for too long. */
async function told<Message>(child: ChildProcess, deadlineMs: number): Promise<Message> {
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(deadlineMs)])
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`Better Auth's process ended with ${code}`)
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Message]
    return message
  } finally {
    over.abort()
    await ended.catch(() => undefined)
  }
}

const readJson = async <Content>(path: string) => JSON.parse(await readFile(join(folder, path), 'utf8')) as Content
