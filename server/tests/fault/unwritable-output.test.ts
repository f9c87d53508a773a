import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { preparedDataDir } from '../support/prepared-data.ts'
import { processesWith } from '../support/process-table.ts'
import { freePorts, repository, testEnvironment } from '../support/processes.ts'
import { call, eventually, inParallel, signIn } from './calls.ts'
import { isAlive, postmasterOf, removeDataDir } from './postmaster.ts'

const main = join(repository, 'server', 'src', 'main.ts')

/** A folder, a port and an environment for `guichet start`, which writes a line for each request. */
async function prepare(extra: Readonly<Record<string, string>> = {}) {
  const dataDir = await preparedDataDir('guichet-output')
  onTestFinished(() => removeDataDir(dataDir))
  const [port = 0] = await freePorts(1)
  const environment = { ...testEnvironment, LOG_LEVEL: 'info', GUICHET_DATA_DIR: dataDir, PORT: `${port}`, ...extra }
  return { dataDir, environment, base: `http://127.0.0.1:${port}` }
}

function startWith(environment: Readonly<Record<string, string>>, output: StdioOptions): ChildProcess {
  const child = spawn(process.execPath, [main, 'start'], { env: environment, stdio: output })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  return child
}

const ready = (base: string) =>
  eventually(30_000, async () => expect((await call(base, 'GET', '/readyz')).status).toBe(200))

/** What the process says it has lost of its log. */
async function linesDropped(base: string): Promise<number> {
  const { text } = await call(base, 'GET', '/metrics')
  return Number(/^guichet_log_lines_dropped_total (\d+)$/m.exec(text)?.[1])
}

/** Has more written than may wait, every request answered in time, until lines are dropped. */
async function loseLines(base: string): Promise<void> {
  const path = `/${'nowhere/'.repeat(1_500)}`
  const statuses = new Set<number>()
  await eventually(60_000, async () => {
    await inParallel(Array(300).fill(path), 8, async () => {
      statuses.add((await call(base, 'GET', path)).status)
    })
    expect(await linesDropped(base)).toBeGreaterThan(0)
  })
  expect([...statuses]).toEqual([404])
  await signIn(base)
}

async function endsCleanly(child: ChildProcess, dataDir: string): Promise<void> {
  const postmaster = await postmasterOf(dataDir)
  const began = performance.now()
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(await isAlive(postmaster)).toBe(false)
}

test('a full disk behind stdout and stderr: requests are served, lines are counted, SIGTERM ends it', {
  timeout: 120_000,
}, async () => {
  const { dataDir, environment, base } = await prepare()
  const full = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(full))
  const child = startWith(environment, ['ignore', full, full])
  await ready(base)
  await loseLines(base)
  await endsCleanly(child, dataDir)
})

test('a full disk behind the log file: the same, and stderr has every line', { timeout: 120_000 }, async () => {
  const { dataDir, environment, base } = await prepare()
  const logs = join(dataDir, 'logs')
  await mkdir(logs)
  await symlink('/dev/full', join(logs, 'guichet.1.log'))
  const child = startWith({ ...environment, GUICHET_LOG_FILE: join(logs, 'guichet.log') }, ['ignore', 'ignore', 'pipe'])
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await ready(base)
  await loseLines(base)
  await endsCleanly(child, dataDir)
  const lines = said
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.filter(({ msg }) => msg === 'the log file cannot be written')).toHaveLength(1)
  expect(lines.filter(({ path }) => path === '/auth/login')).toHaveLength(1)
})

test('a pipe that nobody reads: the same, and one line says how much was lost when somebody does', {
  timeout: 120_000,
}, async () => {
  const { dataDir, environment, base } = await prepare()
  const path = join(dataDir, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const writer = openSync(path, 'w')
  onTestFinished(() => {
    closeSync(reader)
    closeSync(writer)
  })
  const child = startWith(environment, ['ignore', writer, writer])
  await ready(base)
  await loseLines(base)
  let said = ''
  await eventually(30_000, async () => {
    said += readAll(reader)
    const lines = Number(/"lines":(\d+),"msg":"lines of the log were dropped/.exec(said)?.[1])
    expect(lines).toBe(await linesDropped(base))
  })
  await endsCleanly(child, dataDir)
})

test('a pipe that stays full does not hold up the end', { timeout: 120_000 }, async () => {
  const { dataDir, environment, base } = await prepare()
  // Never read by this test, and both ends its own: what Node makes for a child is a socket.
  const child = startWith(environment, ['ignore', 'pipe', 'pipe'])
  child.stdout?.pause()
  child.stderr?.pause()
  await ready(base)
  await loseLines(base)
  await endsCleanly(child, dataDir)
})

test('a terminal that was closed, of a process that does not hear of it: requests are served, SIGTERM ends it', {
  timeout: 120_000,
}, async () => {
  const { dataDir, environment, base } = await prepare()
  // `script` makes a terminal, and takes it along as soon as its command has gone into the background.
  const command = `trap '' HUP; setsid ${process.execPath} ${main} start &`
  execFileSync('script', ['-qec', command, '/dev/null'], { env: environment, stdio: 'ignore' })
  const found = async () =>
    (await processesWith(`GUICHET_DATA_DIR=${dataDir}`)).find(({ command: words }) => words.includes('main.ts start'))
  onTestFinished(async () => {
    const left = await found()
    if (left) process.kill(left.pid, 'SIGKILL')
  })
  await ready(base)
  await loseLines(base)
  const running = await found()
  const postmaster = await postmasterOf(dataDir)
  process.kill(running!.pid, 'SIGTERM')
  await eventually(10_000, async () => {
    expect(await isAlive(running!.pid)).toBe(false)
    expect(await isAlive(postmaster)).toBe(false)
  })
})

test('`make start` ends when its terminal is closed, and its PostgreSQL with it', { timeout: 120_000 }, async () => {
  const { dataDir, environment, base } = await prepare()
  // What is installed is what runs the tests.
  const make = 'make --assume-old=node_modules/.package-lock.json start'
  const terminal = spawn('script', ['-qec', make, '/dev/null'], {
    env: environment,
    cwd: repository,
    stdio: 'ignore',
  })
  onTestFinished(() => void terminal.kill('SIGKILL'))
  await ready(base)
  const processes = await processesWith(`GUICHET_DATA_DIR=${dataDir}`)
  expect(processes.some(({ command }) => command.includes('main.ts start'))).toBe(true)
  // As a window that is closed: the terminal is gone without a word.
  terminal.kill('SIGKILL')
  await eventually(15_000, async () => expect(await processesWith(`GUICHET_DATA_DIR=${dataDir}`)).toEqual([]))
})

function readAll(fd: number): string {
  const buffer = Buffer.alloc(1_024 ** 2)
  let text = ''
  for (;;) {
    try {
      text += buffer.toString('utf8', 0, readSync(fd, buffer))
    } catch {
      // EAGAIN: it is empty.
      return text
    }
  }
}
