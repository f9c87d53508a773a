import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '..', '..', '..')
const main = join(repository, 'server', 'src', 'main.ts')

/** What a test's process is started with: development, cheap hashes, no limits, and nothing of the machine's own environment. */
export const testEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  GUICHET_DEV: 'true',
  GUICHET_ARGON2_MEMORY_KIB: '64',
  GUICHET_ARGON2_PASSES: '1',
  GUICHET_LIMITS_SCALE: '100000',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  GUICHET_LOG_FILE: 'none',
  // Hundreds of processes run the same code: compiled once, each starts in two thirds of the time.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(repository, 'node_modules', '.cache', 'compile'),
}

/** A `guichet` process of a test. */
export interface GuichetProcess {
  readonly child: ChildProcess
  /** Where each listener is, by unit, as the announcement says it. */
  readonly urls: Readonly<Record<string, string>>
  stdout(): string
  stderr(): string
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** None outlives the process that started it, however that one ends. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})

/** Starts a long-running command and waits until it says that it is ready (`ready` matches its stdout), or throws with its stderr. */
export async function startProcess(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  {
    ready = /is ready/,
    deadlineMs = 30_000,
    cwd = repository,
  }: { ready?: RegExp; deadlineMs?: number; cwd?: string } = {},
): Promise<GuichetProcess> {
  const child = spawn(process.execPath, [main, ...words], { env: environment, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-200_000)
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const ended = once(child, 'exit') as Promise<[number | null]>
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${words.join(' ')} was not ready within ${deadlineMs} ms:\n${out}${err}`))
    }, deadlineMs)
    child.stdout?.on('data', () => {
      if (!ready.test(out) || !out.endsWith('\n')) return
      clearTimeout(timer)
      resolve()
    })
    void ended.then(([code]) => {
      clearTimeout(timer)
      reject(new Error(`${words.join(' ')} ended with ${code}:\n${out}${err}`))
    })
  })
  return {
    child,
    urls: urlsOf(out),
    stdout: () => out,
    stderr: () => err,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const [code] = await ended
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs a command to its end. */
export async function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...words], { env: environment, cwd: repository })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A command that reads nothing may have ended already.
  child.stdin.on('error', () => undefined).end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { code, stdout, stderr }
}

/** The lines `  api-gateway   http://127.0.0.1:8000  every route` of the announcement. */
function urlsOf(announcement: string): Record<string, string> {
  const lines = announcement.matchAll(/^ {2}(\S+) +(http:\/\/\S+)/gm)
  return Object.fromEntries([...lines].map(([, unit = '', url = '']) => [unit, url]))
}

/** Ports that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
