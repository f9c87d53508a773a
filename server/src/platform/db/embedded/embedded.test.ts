import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { scratchFolder } from '../../../../tests/support/scratch-server.ts'
import { StartError } from '../../errors.ts'
import { silentLogger } from '../../log.ts'
import { withConnection } from '../connection.ts'
import { poll } from '../poll.ts'
import { findBinaries } from './binaries.ts'
import { ensureCluster } from './cluster.ts'
import { type EmbeddedServer, openEmbedded } from './index.ts'
import { isAlive, readPidFile, servesCluster } from './pidfile.ts'
import { chooseUser } from './user.ts'

const isRoot = process.getuid?.() === 0
const services = ['identity', 'orders']
let scratch: string
let dataDir: string
let servers: EmbeddedServer[]
let children: ChildProcess[]
let earlier: string

// One initdb for all that do not test the first start.
beforeAll(async () => {
  earlier = await scratchFolder()
  await (await openEmbedded({ dataDir: earlier, ownership: 'own', services, log: silentLogger() })).stop()
})

afterAll(() => rm(earlier, { recursive: true, force: true }))

beforeEach(async () => {
  scratch = await scratchFolder()
  dataDir = path.join(scratch, 'data')
  servers = []
  children = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(servers.map((server) => server.stop()))
  const left = await readPidFile(clusterOf(dataDir))
  const leftover = left && (await servesCluster(left.pid, clusterOf(dataDir)))
  if (leftover) process.kill(left.pid, 'SIGQUIT')
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  expect(leftover ?? false, 'a server was left running').toBe(false)
})

const clusterOf = (folder: string) => path.join(folder, 'postgres', 'cluster')

async function open(ownership: 'own' | 'join-or-own' = 'own', folder = dataDir) {
  const server = await openEmbedded({ dataDir: folder, ownership, services, log: silentLogger() })
  servers.push(server)
  return server
}

const query = async (url: string, text: string) =>
  (await withConnection(url, 'test', (client) => client.query(text))).rows as Record<string, unknown>[]

/** Works on the data of earlier starts, where only the first start itself is not at stake. */
function withData() {
  dataDir = earlier
}

/** Opens the folder in a process of its own, and gives it once it holds the server. */
async function openElsewhere(folder = dataDir, as: { uid?: number; gid?: number } = {}) {
  const script = `
    const { openEmbedded } = await import(${JSON.stringify(new URL('index.ts', import.meta.url).href)})
    const { silentLogger } = await import(${JSON.stringify(new URL('../../log.ts', import.meta.url).href)})
    const server = await openEmbedded({ dataDir: process.argv[1], ownership: 'own',
      services: ${JSON.stringify(services)}, log: silentLogger() })
    process.on('SIGTERM', () => server.stop().then(() => process.exit(0)))
    console.log(server.url('orders'))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { ...as, cwd: '/' })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (part) => {
    errors += part
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the other process ended with ${code}: ${errors}`)
  })
  const [line] = await Promise.race([once(child.stdout, 'data'), ended])
  ended.catch(() => undefined)
  return { child, url: String(line).trim() }
}

async function kill(child: ChildProcess, signal: NodeJS.Signals) {
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

describe.sequential('the built-in PostgreSQL', { timeout: 30_000 }, () => {
  test('starts from nothing with a database per service, closed to the other services', async () => {
    const server = await open()
    expect(server.owned).toBe(true)
    expect(await query(server.url('orders'), 'SELECT current_user u, current_database() d')).toEqual([
      { u: 'orders', d: 'orders' },
    ])
    await expect(query(server.url('orders').replace(/\/orders$/, '/identity'), 'SELECT 1')).rejects.toThrow(
      /permission/,
    )
    await expect(query(server.url('orders').replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(/password/)
    expect(await query(server.adminUrl, "SELECT rolsuper FROM pg_roles WHERE rolname = 'orders'")).toEqual([
      { rolsuper: false },
    ])
    expect(() => server.url('profiles')).toThrow(/profiles/)
    for (const secret of ['password', 'url']) {
      expect((await stat(path.join(dataDir, 'postgres', secret))).mode & 0o777).toBe(0o600)
    }
    expect((await readdir(path.join(dataDir, 'postgres'))).sort()).toEqual(['cluster', 'password', 'server.log', 'url'])
  })

  test('keeps its data and its URLs over a restart, and stops its server', async () => {
    withData()
    const first = await open()
    await query(first.url('orders'), 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n')
    const { pid } = (await readPidFile(clusterOf(dataDir)))!
    await first.stop()
    await expect.poll(() => isAlive(pid)).toBe(false)
    const second = await open()
    expect(second.url('orders')).toBe(first.url('orders'))
    expect(await query(second.url('orders'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })

  test('refuses a second owner, naming the first and the way out; joins when that is enough', async () => {
    withData()
    const { child, url } = await openElsewhere()
    const refused = await open().catch((error) => error)
    expect(refused).toBeInstanceOf(StartError)
    expect(refused.message).toContain(`process id ${child.pid}`)
    expect(refused.message).toMatch(/GUICHET_DATA_DIR.*IDENTITY_DATABASE_URL.*guichet database/s)
    const joined = await open('join-or-own')
    expect(joined.owned).toBe(false)
    expect(joined.url('orders')).toBe(url)
    await joined.stop()
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await kill(child, 'SIGTERM')
    await expect(query(url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/)
  })

  test('takes over the running server of an owner that was killed', async () => {
    withData()
    const { child, url } = await openElsewhere()
    await query(url, 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n')
    const before = (await readPidFile(clusterOf(dataDir)))!
    await kill(child, 'SIGKILL')
    const server = await open()
    expect(server.owned).toBe(true)
    expect((await readPidFile(clusterOf(dataDir)))?.pid).toBe(before.pid)
    expect(await query(server.url('orders'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    await server.stop()
    // Not our child, so it may stay a zombie until init has noticed.
    expect(await servesCluster(before.pid, clusterOf(dataDir))).toBe(false)
  })

  test('waits for a server that is shutting down, and then starts its own', async () => {
    withData()
    const { child } = await openElsewhere()
    const before = (await readPidFile(clusterOf(dataDir)))!
    child.kill('SIGTERM')
    const server = await poll(() => open().catch(() => undefined), { withinMs: 10_000 })
    expect(server?.owned).toBe(true)
    expect((await readPidFile(clusterOf(dataDir)))?.pid).not.toBe(before.pid)
  })

  test('recovers when server and owner were killed, even if another process now has the server’s id', async () => {
    withData()
    const { child, url } = await openElsewhere()
    await query(url, 'DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n')
    const { pid, text } = (await readPidFile(clusterOf(dataDir)))!
    const owner = await stat(clusterOf(dataDir))
    await kill(child, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await poll(() => !isAlive(pid) || undefined, { withinMs: 5_000 })
    // The shared memory of the dead server goes with the last of its processes.
    const other = spawn('sleep', ['60'], isRoot ? { uid: owner.uid, gid: owner.gid } : {})
    children.push(other)
    const file = path.join(clusterOf(dataDir), 'postmaster.pid')
    await writeFile(file, text.replace(/^\d+/, String(other.pid)))
    const server = await open()
    expect(await query(server.url('orders'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    expect(isAlive(other.pid!)).toBe(true)
  })

  test('two first starts at the same moment end with one owner', async () => {
    const results = await Promise.allSettled([openElsewhere(), openElsewhere(), open('join-or-own')])
    const joinOrOwn = results[2]
    expect(joinOrOwn.status).toBe('fulfilled')
    const owners = results.slice(0, 2).filter(({ status }) => status === 'fulfilled').length
    expect(owners + (servers[0]?.owned ? 1 : 0)).toBe(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(String(result.reason)).toMatch(/in use by another guichet process/)
    }
    expect((await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'))).toEqual([])
    for (const { child } of results.slice(0, 2).flatMap((r) => (r.status === 'fulfilled' ? [r.value as never] : []))) {
      await kill(child, 'SIGTERM')
    }
  })

  test('removes what an interrupted first start left, once it is old', async () => {
    for (const name of ['postgres.new-old', 'postgres.new-fresh'])
      await mkdir(path.join(dataDir, name), { recursive: true })
    await utimes(path.join(dataDir, 'postgres.new-old'), 0, 0)
    await open()
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.new-fresh'])
  })

  test('says what the server said when it cannot start', async () => {
    withData()
    const settings = path.join(clusterOf(dataDir), 'postgresql.conf')
    const before = await readFile(settings, 'utf8')
    await writeFile(settings, `${before}no_such_setting = on\n`)
    const refused = await open().catch((error) => error)
    await writeFile(settings, before)
    expect(refused).toBeInstanceOf(StartError)
    expect(refused.message).toMatch(/no_such_setting/)
  })

  test('a copied folder gets a server of its own while the first one runs', async () => {
    withData()
    const first = await open()
    const copy = path.join(scratch, 'copy')
    await cp(dataDir, copy, { recursive: true })
    const second = await open('own', copy)
    expect(second.owned).toBe(true)
    expect(second.url('orders')).not.toBe(first.url('orders'))
  })

  test('takes its lock again after the server ended all sessions', async () => {
    withData()
    const server = await open()
    const holder = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted`
    const [before] = await query(server.adminUrl, holder)
    await query(server.adminUrl, `SELECT pg_terminate_backend(${before?.pid})`)
    const again = await poll(
      async () => (await query(server.adminUrl, holder)).find(({ pid }) => pid !== before?.pid),
      { withinMs: 5_000 },
    )
    expect(again).toEqual({ pid: expect.any(Number) })
  })

  test.runIf(isRoot)('as root it works below a folder that is closed to others', async () => {
    await chmod(scratch, 0o700)
    const server = await open()
    expect(await query(server.url('orders'), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await server.stop()
    expect((await open()).owned).toBe(true)
  })

  test.runIf(isRoot)('as root it works with programs below a closed folder, and else says what to open', async () => {
    const { initdb } = await findBinaries()
    const native = path.join(scratch, 'closed', 'native')
    await cp(path.dirname(path.dirname(initdb)), native, { recursive: true, verbatimSymlinks: true })
    await chmod(path.dirname(native), 0o700)
    const program = (name: string) => path.join(native, 'bin', name)
    const binaries = { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') }
    const cluster = await ensureCluster(dataDir, binaries, silentLogger())
    expect((await chooseUser(binaries, cluster.cluster))?.through).toBe('setpriv')
    // A path that no capability opens.
    const refused = await chooseUser({ ...binaries, postgres: program('gone') }, cluster.cluster).catch(
      (error) => error,
    )
    expect(refused).toBeInstanceOf(StartError)
    expect(refused.message).toContain(`chmod o+x ${path.dirname(native)}`)
  })

  test.runIf(isRoot)('an ordinary user runs it too', async () => {
    const nobody = (await readFile('/etc/passwd', 'utf8')).split('\n').find((line) => line.startsWith('nobody:'))
    const [, , uid, gid] = nobody!.split(':').map(Number)
    await mkdir(dataDir)
    await chown(dataDir, uid!, gid!)
    const { child, url } = await openElsewhere(dataDir, { uid: uid!, gid: gid! })
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect((await stat(clusterOf(dataDir))).uid).toBe(uid)
    await kill(child, 'SIGTERM')
  })
})
