import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { arrangements } from './tests/support/arrangements.ts'
import { preparedDataVariable } from './tests/support/prepared-data.ts'

// The processes that run the tests are started with it.
process.env[preparedDataVariable] ??= join(tmpdir(), `guichet-prepared-${randomUUID()}`)

const common = {
  root: import.meta.dirname,
  pool: 'forks' as const,
  // Files that share a process load the code once; they keep no state in modules, and `leak-check.ts` sees what they leave open.
  isolate: false,
  setupFiles: ['tests/support/leak-check.ts'],
  testTimeout: 20_000,
  hookTimeout: 60_000,
}

/** The files of an arrangement; one that is not there is a mistake, unless its contract went away with all of them. */
const contractTests = (names: readonly string[]): string[] =>
  names.map((name) => {
    const path = `tests/contract/${name}.test.ts`
    const there = (one: string) => existsSync(join(import.meta.dirname, one))
    if (!name.includes('*') && !there(path) && there(dirname(path))) throw new Error(`There is no ${path}.`)
    return path
  })

/** The contract tests run unchanged against every arrangement; everything else runs once, on one database server. */
export default defineConfig({
  test: {
    globalSetup: [join(import.meta.dirname, 'tests/support/prepared-data-removal.ts')],
    // Nine arrangements stop one after another.
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          ...common,
          name: 'server',
          // Most tests wait for a process, a database or a clock now and then: more of them than there are processors.
          maxWorkers: availableParallelism() + 1,
          globalSetup: ['tests/support/global-setup.ts'],
          include: ['src/**/*.test.ts', 'tests/*.test.ts', 'tests/{journeys,fault}/**/*.test.ts'],
        },
      },
      {
        test: {
          ...common,
          name: 'timing',
          globalSetup: ['tests/support/global-setup.ts'],
          include: ['tests/timing/**/*.test.ts'],
          // What is measured must not share the machine with other tests: after all of them, one file at a time.
          sequence: { groupOrder: 2 },
          fileParallelism: false,
        },
      },
      ...Object.entries(arrangements).map(([arrangement, files]) => ({
        test: {
          ...common,
          name: `contract:${arrangement}`,
          // One after another: some count what the server holds, which the others change.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          globalSetup: ['tests/support/arrangement-setup.ts'],
          include: contractTests(files),
        },
      })),
    ],
  },
})
