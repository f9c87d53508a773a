// Runs every test. Those of the code and those of the contracts run beside each other, since both wait a lot; what measures time
// runs alone after them. `node scripts/test.js [report.json]` writes what vitest reports of all three into one file.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'

// A run writes gigabytes that nobody keeps: into memory, where there is plenty of it. TMPDIR says otherwise.
const memory = '/dev/shm'
const plenty = 8 * 1_024 ** 3
if (!process.env.TMPDIR && existsSync(memory) && freemem() > plenty) {
  const { bavail, bsize } = statfsSync(memory)
  if (bavail * bsize > plenty) process.env.TMPDIR = memory
}

const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs')
const folder = mkdtempSync(join(tmpdir(), 'guichet-reports-'))
const reportOf = (/** @type {string} */ project) => join(folder, `${project.replaceAll(/\W/g, '')}.json`)

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
let stopped = false
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    stopped = true
    for (const child of children) child.kill(signal)
  })
}

/**
 * Runs the tests of the projects that the pattern fits; true when all passed.
 * @param {string} project
 * @param {'at once' | 'at the end'} shown when its output appears: two at once could not be told apart
 */
async function run(project, shown) {
  const words = ['run', '--config', 'server/vitest.config.ts', '--project', project]
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportOf(project)}`]
  const output = shown === 'at once' ? 'inherit' : 'pipe'
  const child = spawn(process.execPath, [vitest, ...words, ...reporters], { stdio: ['ignore', output, output] })
  children.add(child)
  /** @type {Buffer[]} */
  const said = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => said.push(chunk))
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { passed: code === 0, output: Buffer.concat(said) }
}

const contracts = run('contract:*', 'at the end')
const results = [await run('server', 'at once'), await contracts]
process.stdout.write((await contracts).output)
if (!stopped) results.push(await run('timing', 'at once'))

const [report] = process.argv.slice(2)
if (report) writeFileSync(report, JSON.stringify(merged()))
rmSync(folder, { recursive: true })
process.exitCode = !stopped && results.every(({ passed }) => passed) ? 0 : 1

/** The reports as one: numbers are added up, and a run that reported nothing counts as a failure. */
function merged() {
  const reports = ['server', 'contract:*', 'timing'].map((project) => {
    try {
      return JSON.parse(readFileSync(reportOf(project), 'utf8'))
    } catch {
      return { success: false, testResults: [] }
    }
  })
  const sum = (/** @type {string} */ name) => reports.reduce((total, one) => total + (one[name] ?? 0), 0)
  const numbers = ['numTotalTests', 'numPassedTests', 'numFailedTests', 'numPendingTests', 'numTodoTests']
  return {
    ...Object.fromEntries(numbers.map((name) => [name, sum(name)])),
    success: reports.every(({ success }) => success),
    testResults: reports.flatMap(({ testResults }) => testResults),
  }
}
