import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { preparedDataDir } from './support/prepared-data.ts'
import { processesWith } from './support/process-table.ts'
import { freePorts, repository, testEnvironment } from './support/processes.ts'

const units = ['api-gateway', 'auth-service', 'user-service', 'orders-service'] as const

/** Starts the script on free ports and the data folder, which it removes after the test; resolves when it says that the shop is ready. */
async function startServices(dataDir: string) {
  const ports = await freePorts(units.length)
  const portOf = Object.fromEntries(units.map((unit, index) => [unit, ports[index]!])) as Record<
    (typeof units)[number],
    number
  >
  // A variable that every process of this start inherits, and no other has: to find them by.
  const mark = `GUICHET_DATA_DIR=${dataDir}`
  const script = spawn(join(repository, 'start-services.sh'), {
    cwd: tmpdir(),
    env: {
      ...testEnvironment,
      GUICHET_DATA_DIR: dataDir,
      ...Object.fromEntries(units.map((unit) => [`${unit.toUpperCase().replace('-', '_')}_PORT`, `${portOf[unit]}`])),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(script, 'close') as Promise<[number | null]>
  let output = ''
  for (const stream of [script.stdout, script.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  onTestFinished(async () => {
    script.kill('SIGTERM')
    await ended
    await rm(dataDir, { recursive: true, force: true })
  }, 30_000)
  await Promise.race([
    new Promise<void>((resolve) => script.stdout.on('data', () => /Ctrl-C/.test(output) && resolve())),
    ended.then(() => {
      throw new Error(`start-services.sh ended:\n${output}`)
    }),
  ])
  return { script, ended, portOf, mark, output: () => output }
}

test('S-09 one script starts the four services, and SIGTERM stops all of it', { timeout: 120_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'guichet-services-'))
  const { script, ended, portOf, mark, output } = await startServices(dataDir)

  for (const unit of units) expect(output()).toContain(`http://localhost:${portOf[unit]}`)
  const lines = [
    [portOf['api-gateway'], '/health', 'api-gateway'],
    [portOf['auth-service'], '/auth/health', 'auth-service'],
    [portOf['user-service'], '/health', 'user-service'],
    [portOf['orders-service'], '/health', 'orders-service'],
  ] as const
  for (const [port, path, service] of lines) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ status: 'healthy', service })
  }
  const login = await fetch(`http://127.0.0.1:${portOf['api-gateway']}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: 'admin' }),
  })
  expect(login.status).toBe(200)
  const started = await processesWith(mark)
  // The script, the database's process with its server, and four units.
  expect(started.length).toBeGreaterThanOrEqual(6)

  script.kill('SIGTERM')
  const [code] = await ended
  expect(code).toBe(0)
  expect(await processesWith(mark)).toEqual([])
  await expect(readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'))).rejects.toThrow('ENOENT')
})

test('when one service dies the script names it and stops the others', { timeout: 120_000 }, async () => {
  const { ended, mark, output } = await startServices(await preparedDataDir('guichet-services'))
  const victim = (await processesWith(mark)).find(({ command }) => command.includes('shop/orders-service'))

  process.kill(victim!.pid, 'SIGKILL')
  const [code] = await ended
  expect(code).toBe(1)
  expect(output()).toContain('orders-service ended')
  expect(await processesWith(mark)).toEqual([])
})
