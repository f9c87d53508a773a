import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { poll } from '../../src/platform/db/poll.ts'
import { findOrInstall, onPath } from './installed.ts'
import { freePorts } from './processes.ts'

/** A Redis server of a test, without persistence. */
export interface TestRedis {
  readonly url: string
  readonly port: number
  /** SIGSTOP: it keeps its connections and answers nothing, until `thaw`. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** Milliseconds that a `beforeAll` which starts Redis should have: the first on a machine may have to install it. */
export const redisStartTimeout = 180_000

/** Starts a server on a free port, or on `port`; on machines without one, root gets it from Debian first. */
export async function startRedis({ port, password }: { port?: number; password?: string } = {}): Promise<TestRedis> {
  const server = await findServer()
  const [listen = 0] = port === undefined ? await freePorts(1) : [port]
  const dir = await mkdtemp(join(tmpdir(), 'guichet-redis-'))
  const options = { port: `${listen}`, bind: '127.0.0.1', dir, save: '', appendonly: 'no' }
  const words = Object.entries({ ...options, ...(password && { requirepass: password }) })
  const child = spawn(
    server,
    words.flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000)
    })
  const ready = await poll(async () => (child.exitCode === null ? await answers(listen) : false), {
    withinMs: 15_000,
  })
  const stop = async () => {
    await end(child)
    await rm(dir, { recursive: true, force: true })
  }
  if (!ready) {
    await stop()
    throw new Error(`redis-server did not start on port ${listen}:\n${said}`)
  }
  return {
    url: `redis://${password ? `:${password}@` : ''}127.0.0.1:${listen}/0`,
    port: listen,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop,
  }
}

/** True once something answers there; undefined until then. */
async function answers(port: number): Promise<true | undefined> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) })
    socket.write('PING\r\n')
    await once(socket, 'data', { signal: AbortSignal.timeout(1_000) })
    return true
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  // A frozen one has to be woken to hear of its end.
  child.kill('SIGCONT')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(timer)
}

async function findServer(): Promise<string> {
  const found = await findOrInstall(
    async () => (await onPath('redis-server')) ?? (await onPath('valkey-server')),
    'redis-server',
  )
  if (found) return found
  throw new Error('These tests need redis-server on the PATH: install Redis 6 or later (Debian: redis-server).')
}
