import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../tests/support/eventually.ts'

const dir = mkdtempSync(join(tmpdir(), 'guichet-output-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** A pipe of a given name whose reader is this test, and reads only when it wants to. */
function openPipe(name: string) {
  const path = join(dir, name)
  execFileSync('mkfifo', [path])
  // Both ends, so that neither waits for the other.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const writeEnd = openSync(path, 'w')
  onTestFinished(() => {
    closeSync(fd)
    closeSync(writeEnd)
  })
  const buffer = Buffer.alloc(1_024 ** 2)
  return {
    writeEnd,
    read(): string {
      let text = ''
      for (;;) {
        try {
          text += buffer.toString('utf8', 0, readSync(fd, buffer))
        } catch {
          // EAGAIN: it is empty.
          return text
        }
      }
    },
  }
}

/** Runs a module on `output`, which writes to stdout and may keep 500 lines, and tells this test what it says over IPC. */
function run(script: string, stdout: number) {
  const module = `import { openOutput } from ${JSON.stringify(join(import.meta.dirname, 'output.ts'))}
    const output = openOutput(1, { mostBytes: 100_000, onRecovered: (count) => process.send({ recovered: count }) })
    ${script}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', module], {
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: unknown[] = []
  child.on('message', (message) => said.push(message))
  return { child, said, ended: once(child, 'exit') }
}

/** Each of 200 bytes. */
const thousand = `for (let line = 0; line < 1000; line += 1) output.write(('line ' + line).padEnd(199, ' x') + '\\n')`

test('a full pipe holds nothing up: lines are dropped and counted, and the count is told once there is room', async () => {
  const pipe = openPipe('full')
  const { child, said } = run(
    `setInterval(() => {}, 1_000)
     ${thousand}
     setImmediate(() => setImmediate(() => process.send({ dropped: output.dropped() })))`,
    pipe.writeEnd,
  )
  await eventually(
    async () => said,
    (heard) => expect(heard, 'the pipe holds less than what waits').toEqual([{ dropped: 500 }]),
  )
  let text = ''
  await eventually(
    async () => {
      text += pipe.read()
      return said
    },
    (heard) => expect(heard).toContainEqual({ recovered: 500 }),
  )
  text += pipe.read()
  const lines = text.trimEnd().split('\n')
  expect(lines).toHaveLength(500)
  expect(
    lines.every((line) => /^line \d+[ x]+$/.test(line)),
    'whole lines',
  ).toBe(true)
  child.kill()
})

test('the end of the process waits for a reader that is slow, and not for one that never reads', async () => {
  const pipe = openPipe('slow')
  const module = `for (let line = 0; line < 40; line += 1) output.write('x'.repeat(199) + '\\n'); process.exit(3)`
  const first = run(module, pipe.writeEnd)
  expect(await first.ended).toEqual([3, null])
  expect(pipe.read().match(/\n/g)).toHaveLength(40)

  const full = run(`${thousand}; setImmediate(() => process.exit(4))`, pipe.writeEnd)
  const began = performance.now()
  expect(await full.ended).toEqual([4, null])
  expect(performance.now() - began).toBeLessThan(5_000)
})

test.each([
  { where: 'a full disk', target: () => openSync('/dev/full', 'w') },
  {
    where: 'a pipe whose reader is gone',
    target: () => {
      const path = join(dir, 'gone')
      execFileSync('mkfifo', [path])
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const fd = openSync(path, 'w')
      closeSync(reader)
      return fd
    },
  },
])('$where fails nothing', async ({ target }) => {
  const fd = target()
  onTestFinished(() => closeSync(fd))
  const { said, ended } = run(
    `${thousand}; setImmediate(() => setImmediate(() => { process.send({ dropped: output.dropped() }, () => process.exit(5)) }))`,
    fd,
  )
  expect(await ended).toEqual([5, null])
  expect(said).toEqual([{ dropped: 500 }])
})
