import pg from 'pg'
import { withConnection } from '../connection.ts'
import { poll } from '../poll.ts'

const copiesKept = 2
const freeWithinMs = 5_000

/** Copies a database of the built-in server beside it, keeps its newest two copies, and gives the copy's name. */
export async function copyDatabase(adminUrl: string, database: string, id: string, stamp: string): Promise<string> {
  return withConnection(adminUrl, 'backup', async (admin) => {
    // The time keeps an attempt that failed from being overwritten, or taken for the state before the next one.
    const copy = `${database}_before_${id}_${stamp}`
    await createFrom(admin, database, copy)
    await admin.query(`REVOKE ALL ON DATABASE ${pg.escapeIdentifier(copy)} FROM PUBLIC`)
    const { rows } = await admin.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
      [`${database}_before_`],
    )
    const byAge = rows.map(({ name }) => name).sort((one, other) => (stampOf(one) < stampOf(other) ? 1 : -1))
    for (const old of byAge.slice(copiesKept)) {
      await admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(old)}`)
    }
    return copy
  })
}

const stampOf = (copy: string) => copy.slice(copy.lastIndexOf('_') + 1)

/** PostgreSQL copies only a database that nobody is connected to, so idle sessions are ended; pools open new ones. */
async function createFrom(admin: pg.Client, database: string, copy: string): Promise<void> {
  const [source, target] = [database, copy].map((name) => pg.escapeIdentifier(name))
  const made = await poll(
    async () => {
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = $1 AND backend_type = 'client backend' AND state = 'idle'`,
        [database],
      )
      if ((await sessionsOf(admin, database)).length > 0) return undefined
      try {
        const owner = await ownerOf(admin, database)
        await admin.query(`CREATE DATABASE ${target} TEMPLATE ${source} OWNER ${pg.escapeIdentifier(owner)}`)
        return true
      } catch (error) {
        // Somebody connected just then (object_in_use).
        if (error instanceof pg.DatabaseError && error.code === '55006') return undefined
        throw error
      }
    },
    { withinMs: freeWithinMs, everyMs: 50 },
  )
  if (made) return
  const sessions = (await sessionsOf(admin, database)).map(({ name, pid }) => `${name || 'unnamed'} (session ${pid})`)
  throw new Error(
    `other programs use the database ${database}: ${sessions.join(', ') || 'they come and go'}. Stop them first`,
  )
}

async function sessionsOf(admin: pg.Client, database: string) {
  const { rows } = await admin.query<{ name: string; pid: number }>(
    `SELECT application_name AS name, pid FROM pg_stat_activity
      WHERE datname = $1 AND backend_type = 'client backend'`,
    [database],
  )
  return rows
}

async function ownerOf(admin: pg.Client, database: string): Promise<string> {
  const { rows } = await admin.query<{ owner: string }>(
    'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = $1',
    [database],
  )
  if (!rows[0]) throw new Error(`there is no database ${database} on the built-in server`)
  return rows[0].owner
}
