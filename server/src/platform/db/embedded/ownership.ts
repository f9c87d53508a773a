import type pg from 'pg'
import { messageOf, StartError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { poll } from '../poll.ts'
import { isAlive } from './pidfile.ts'
import { connectAdmin } from './server.ts'

// "guic", "owns": any two numbers that nobody else's advisory locks use in the database "postgres".
const lock = [0x67756963, 0x6f776e73]

/**
 * Takes the server for this process: a session lock, which the death of its holder frees by itself. Gives false when
 * somebody has it and `mayJoin`; throws a `StartError` that names the holder otherwise.
 */
export async function claimServer(client: pg.Client, mayJoin: boolean, dataDir: string): Promise<boolean> {
  let holder: number | undefined
  // The server takes a moment to notice that the last owner was killed.
  const claimed = await poll(
    async () => {
      if (await tryLock(client)) return true
      holder = await holderOf(client)
      return holder !== undefined && isAlive(holder) ? false : undefined
    },
    { withinMs: 2_000, everyMs: 50 },
  )
  if (claimed) return true
  if (mayJoin) return false
  throw new StartError(
    `The data folder ${dataDir} is in use by another guichet process${holder ? ` (process id ${holder})` : ''}. ` +
      'Stop that one, set another GUICHET_DATA_DIR, or share its databases: set IDENTITY_DATABASE_URL, ' +
      'PROFILES_DATABASE_URL and ORDERS_DATABASE_URL to what "guichet database" prints.',
  )
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS got', lock)
  return rows[0]?.got === true
}

/** The OS process id that the holder's connection was named after. */
async function holderOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT a.application_name AS name
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    lock,
  )
  const pid = Number(/^guichet-owner:(\d+)$/.exec(rows[0]?.name ?? '')?.[1])
  return Number.isInteger(pid) ? pid : undefined
}

/**
 * Watches the connection that holds the lock. The server ends all its connections when one of its processes crashes,
 * so a lost lock is reported and taken again as soon as the server is back.
 */
export function keepClaim(first: pg.Client, url: string, log: Logger) {
  let client = first
  let released = false
  const watch = () => {
    client.once('end', () => {
      if (released) return
      log.error('lost the connection that marks the built-in PostgreSQL as ours; taking it again')
      setTimeout(retake, 200).unref()
    })
  }
  const retake = async (): Promise<void> => {
    if (released) return
    try {
      const next = await connectAdmin(url)
      if (released || !(await tryLock(next))) {
        await next.end()
        if (!released) log.error('another process has taken the built-in PostgreSQL: restart this one')
        return
      }
      client = next
      watch()
      log.info('the built-in PostgreSQL is marked as ours again')
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the built-in PostgreSQL does not answer')
      setTimeout(retake, 1_000).unref()
    }
  }
  watch()
  return {
    /** From here on the connection may go: the server is about to stop, and the lock goes with it, not before. */
    expectLoss() {
      released = true
    },
    async close(): Promise<void> {
      released = true
      await client.end().catch(() => undefined)
    },
  }
}
