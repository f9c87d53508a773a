import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Logger } from '../../log.ts'
import { poll } from '../poll.ts'
import type { Cluster } from './cluster.ts'
import { servesCluster } from './pidfile.ts'
import { chooseUser, runAs, spawnAs } from './user.ts'

/** A server process we started, for as long as we wait for it. */
export type StartedProcess = Awaited<ReturnType<typeof startProcess>>

/** PostgreSQL's word for: end all processes now; the next start recovers. */
const immediateShutdown = 'SIGQUIT'

const logLimitBytes = 5 * 1024 * 1024

/** Starts the server in a process group of its own, so that a Ctrl-C in the terminal reaches us alone. */
export async function startProcess(cluster: Cluster, atOnce?: AbortSignal) {
  const user = await chooseUser(cluster.binaries, cluster.cluster)
  const size = (await stat(cluster.log).catch(() => undefined))?.size ?? 0
  if (size > logLimitBytes) await truncate(cluster.log)
  const from = size > logLimitBytes ? 0 : size
  const port = await freePort(await lastPort(cluster))
  const log = await open(cluster.log, 'a', 0o600)
  try {
    const args = ['-D', cluster.cluster, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
    const child = spawnAs(user, cluster.binaries.postgres, args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(atOnce && { signal: atOnce, killSignal: immediateShutdown }),
    })
    let ended = false
    let failure = ''
    child.on('error', (error) => {
      failure = error.message
      ended = true
    })
    child.on('exit', () => {
      ended = true
    })
    child.unref()
    return {
      pid: child.pid,
      /** True once it has ended or could not be started at all. */
      ended: () => ended,
      /** What it has written since its start. */
      output: async () => (failure ? failure : (await readFile(cluster.log)).subarray(from).toString('utf8')),
    }
  } finally {
    await log.close()
  }
}

const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=128MB',
  'fsync=on',
  'log_destination=stderr',
  'logging_collector=off',
  // "log" leaves out what statements did wrong: the service that sent one reports it, and the lines quote its values.
  'log_min_messages=log',
  'log_min_error_statement=panic',
  'log_checkpoints=off',
]

/** The port of the last run, so that the URLs somebody noted, and units that outlive the owner, find it again. */
async function lastPort({ url }: Cluster): Promise<number> {
  const known = await readFile(url, 'utf8').catch(() => '')
  return URL.canParse(known) ? Number(new URL(known).port) : 0
}

async function freePort(wished: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', (error) => (wished === 0 ? reject(error) : resolve(freePort(0))))
    probe.listen({ port: wished, host: '127.0.0.1' }, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Keeps the superuser's URL where tools look for it, readable by us alone. */
export async function writeUrl({ url }: Cluster, value: string): Promise<void> {
  if ((await readFile(url, 'utf8').catch(() => '')) === value) return
  // A file of another mode would keep it.
  await rm(url, { force: true })
  await writeFile(url, value, { mode: 0o600 })
}

/** Stops the server: sessions are ended at once and the data is put in order; if that hangs, recovery will do it. */
export async function stopProcess(cluster: Cluster, pid: number, log: Logger): Promise<void> {
  const gone = async () => !(await servesCluster(pid, cluster.cluster)) || undefined
  if (await gone()) return
  if (process.platform === 'win32') {
    // Windows has no signals; pg_ctl asks the server through its own pipe.
    await runAs(undefined, cluster.binaries.pgCtl, ['stop', '-D', cluster.cluster, '-m', 'fast', '-t', '15'])
    return
  }
  for (const signal of ['SIGINT', immediateShutdown] as const) {
    signalTo(pid, signal)
    if (await poll(gone, { withinMs: 8_000, everyMs: 10 })) return
    log.warn({ pid, signal }, 'the built-in PostgreSQL did not stop in time')
  }
  log.error({ pid }, 'the built-in PostgreSQL still runs; the next start takes it over')
}

/** Tells the server to end now; it does so by itself, whether or not somebody waits for it. */
export const shutDownAtOnce = (pid: number): void => signalTo(pid, immediateShutdown)

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended just now.
  }
}
