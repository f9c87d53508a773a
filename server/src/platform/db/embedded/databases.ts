import { createHmac } from 'node:crypto'
import pg from 'pg'

/** A service's password, derived: it need not be kept, and knowing one gives no other. */
export const passwordOf = (service: string, superuserPassword: string): string =>
  createHmac('sha256', superuserPassword).update(service).digest('base64url')

/** Makes what is missing of each service's role and database; two processes may do so at the same time. */
export async function makeDatabases(
  client: pg.Client,
  services: readonly string[],
  superuserPassword: string,
): Promise<void> {
  for (const service of services) {
    // Role, database and part of a URL at once.
    if (!/^[a-z][a-z0-9_]{0,40}$/.test(service)) throw new Error(`"${service}" cannot name a database`)
  }
  if ((await unfinished(client, services)).length === 0) return
  await client.query("SET lock_timeout = '30s'")
  // "guic", "make": CREATE ROLE and CREATE DATABASE have no IF NOT EXISTS that would stand a race.
  await client.query('SELECT pg_advisory_lock($1, $2)', [0x67756963, 0x6d616b65])
  try {
    for (const { service, role, database } of await unfinished(client, services)) {
      const name = pg.escapeIdentifier(service)
      if (!role) {
        const password = pg.escapeLiteral(passwordOf(service, superuserPassword))
        await client.query(`CREATE ROLE ${name} LOGIN PASSWORD ${password}`)
      }
      if (!database) await client.query(`CREATE DATABASE ${name} OWNER ${name}`)
      await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
    }
  } finally {
    await client.query('SELECT pg_advisory_unlock($1, $2)', [0x67756963, 0x6d616b65])
  }
}

async function unfinished(client: pg.Client, services: readonly string[]) {
  const { rows } = await client.query<{ service: string; role: boolean; database: boolean; open: boolean }>(
    `SELECT s.name AS service, r.oid IS NOT NULL AS role, d.oid IS NOT NULL AS database,
            coalesce(has_database_privilege('public', d.oid, 'CONNECT'), true) AS open
       FROM unnest($1::text[]) AS s(name)
       LEFT JOIN pg_roles r ON r.rolname = s.name
       LEFT JOIN pg_database d ON d.datname = s.name`,
    [services],
  )
  return rows.filter(({ role, database, open }) => !role || !database || open)
}
