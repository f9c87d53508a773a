import { once } from 'node:events'
import { chmod, glob, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { withConnection } from '../../src/platform/db/connection.ts'
import { chooseUser, runAs, spawnAs } from '../../src/platform/db/embedded/user.ts'
import { poll } from '../../src/platform/db/poll.ts'
import { findOrInstall, onPath } from './installed.ts'
import { freePorts } from './processes.ts'
import { scratchFolder } from './scratch-server.ts'

/** Milliseconds that a `beforeAll` which starts it should have: the first on a machine may have to install it. */
export const systemPostgresTimeout = 240_000

/** A PostgreSQL server of the machine's own version, whose pg_dump fits it; on machines without one, root gets it from Debian first. */
export async function startSystemPostgres() {
  const initdb = await findOrInstall(findInitdb, 'postgresql')
  if (!initdb) throw new Error('These tests need PostgreSQL with its server: install it (Debian: postgresql).')
  const program = (name: string) => join(dirname(initdb), name)
  const folder = await scratchFolder()
  const cluster = join(folder, 'cluster')
  const password = join(folder, 'password')
  await mkdir(cluster, { mode: 0o700 })
  await writeFile(password, 'p@ss+w rd')
  await chmod(password, 0o644)
  const user = await chooseUser({ initdb, postgres: program('postgres'), pgCtl: program('pg_ctl') }, cluster)
  const words = ['-D', cluster, '-U', 'owner', '-A', 'scram-sha-256', `--pwfile=${password}`, '--no-sync']
  const { code, output } = await runAs(user, initdb, words)
  if (code !== 0) throw new Error(`initdb failed: ${output}`)
  const [port = 0] = await freePorts(1)
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const child = spawnAs(
    user,
    program('postgres'),
    ['-D', cluster, '-p', `${port}`, ...settings.flatMap((one) => ['-c', one])],
    { stdio: 'ignore' },
  )
  const url = `postgresql://owner:${encodeURIComponent('p@ss+w rd')}@127.0.0.1:${port}/postgres`
  const ready = await poll(
    () =>
      withConnection(url, 'test', (client) => client.query('SELECT 1')).then(
        () => true,
        () => undefined,
      ),
    { withinMs: 30_000 },
  )
  const stop = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  if (!ready) {
    await stop()
    throw new Error('the PostgreSQL of this machine did not start')
  }
  return { url, folder, program, stop }
}

/** The newest version: Debian keeps each in a folder of its own, outside the PATH. */
async function findInitdb(): Promise<string | undefined> {
  const versions = await Array.fromAsync(glob('/usr/lib/postgresql/*/bin/initdb'))
  versions.sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
  return versions[0] ?? onPath('initdb')
}
