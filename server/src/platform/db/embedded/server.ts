import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { systemClock } from '../../clock.ts'
import { messageOf, StartError } from '../../errors.ts'
import { bringYourOwn } from './binaries.ts'
import { type Cluster, lastLines, superuser } from './cluster.ts'
import { readPidFile, removeEmptyPidFile, removeStalePidFile, servesCluster } from './pidfile.ts'
import { type StartedProcess, startProcess, writeUrl } from './process.ts'

/** A server that answers. */
export interface ReachedServer {
  readonly pid: number
  readonly port: number
  /** The superuser's URL. */
  readonly url: string
  /** An open connection of the superuser; the caller ends it. */
  readonly client: pg.Client
}

type State = 'starting' | 'stopping' | 'silent'

// Recovery after a crash replays what was written since the last checkpoint, which may take long.
const patienceMs: Readonly<Record<State, number>> = { starting: 60_000, stopping: 15_000, silent: 30_000 }
const startsAtMost = 8

/** Connects to the server of a cluster, starting one unless one runs already, whoever started it. */
export async function reachServer(cluster: Cluster, atOnce?: AbortSignal): Promise<ReachedServer> {
  let started: StartedProcess | undefined
  let starts = 0
  let waiting: { state: State; since: number } | undefined
  for (;;) {
    if (started?.ended()) {
      await judgeEnd(cluster, await started.output(), starts)
      started = undefined
    }
    const seen = await look(cluster, started !== undefined)
    if (typeof seen === 'object') return seen
    if (seen === 'absent') {
      started = await startProcess(cluster, atOnce)
      starts += 1
      continue
    }
    const now = systemClock.now()
    if (waiting?.state !== seen) waiting = { state: seen, since: now }
    if (now - waiting.since > patienceMs[seen]) throw await outOfPatience(cluster, seen, started)
    await pause(15)
  }
}

async function look(cluster: Cluster, weStarted: boolean): Promise<ReachedServer | State | 'absent'> {
  const recorded = await readPidFile(cluster.cluster)
  if (!recorded || !(await servesCluster(recorded.pid, cluster.cluster))) return weStarted ? 'starting' : 'absent'
  // Connecting before it is ready would only fill its log with refusals.
  if (recorded.status !== 'ready') return recorded.status
  const url = `postgresql://${superuser}:${cluster.password}@127.0.0.1:${recorded.port}/postgres`
  try {
    const client = await connectAdmin(url)
    await writeUrl(cluster, url)
    return { pid: recorded.pid, port: recorded.port, url, client }
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined
    if (code === '57P03') return /shutting down/.test(messageOf(error)) ? 'stopping' : 'starting'
    if (code?.startsWith('28')) {
      throw new StartError(
        `The PostgreSQL that runs on ${cluster.cluster} does not accept the password in ${cluster.folder}/password: ` +
          `${messageOf(error)}. Put the right password back, or set another GUICHET_DATA_DIR.`,
      )
    }
    return 'silent'
  }
}

/** Opens a superuser connection whose application name says which process it belongs to. */
export async function connectAdmin(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `guichet-owner:${process.pid}`,
    connectionTimeoutMillis: 3_000,
    keepAlive: true,
  })
  // Without a listener a lost connection would end the process; who waits for an answer gets the error anyway.
  client.on('error', () => undefined)
  await client.connect().catch(async (error) => {
    await client.end().catch(() => undefined)
    throw error
  })
  return client
}

/** Decides whether to try again after our server process ended; throws the reason when there is no point. */
async function judgeEnd(cluster: Cluster, output: string, starts: number): Promise<void> {
  const mayRetry = starts < startsAtMost
  if (mayRetry && /lock file "postmaster\.pid"/.test(output)) {
    const recorded = await readPidFile(cluster.cluster)
    // Either another process was faster, and its server is waited for, or a dead server's id now is another process.
    if (!recorded) await removeEmptyPidFile(cluster.cluster)
    else if (!(await servesCluster(recorded.pid, cluster.cluster))) await removeStalePidFile(cluster.cluster, recorded)
    await pause(25 * starts)
    return
  }
  // The server was killed, and one of its sessions has not noticed yet.
  if (mayRetry && /pre-existing shared memory block/.test(output)) {
    await pause(100 * starts)
    return
  }
  // Somebody took the port between our look and the server's.
  if (mayRetry && /could not create any TCP\/IP sockets/.test(output)) return
  throw new StartError(
    `The built-in PostgreSQL ended while it started. The last lines of ${cluster.log}:\n${lastLines(output)}\n` +
      `Mend what it names and start again, or ${bringYourOwn}.`,
  )
}

async function outOfPatience(cluster: Cluster, state: State, started: StartedProcess | undefined): Promise<StartError> {
  const recorded = await readPidFile(cluster.cluster)
  const said = started ? `\nThe last lines of ${cluster.log}:\n${lastLines(await started.output())}` : ''
  const what = { starting: 'is still starting', stopping: 'is still shutting down', silent: 'does not answer' }[state]
  return new StartError(
    `The built-in PostgreSQL on ${cluster.cluster}${recorded ? ` (process ${recorded.pid})` : ''} ${what} ` +
      `after ${patienceMs[state] / 1000} seconds. Wait for it or stop that process, then start again.${said}`,
  )
}
