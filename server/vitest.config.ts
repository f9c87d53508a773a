import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { arrangements } from './tests/support/arrangements.ts'
import { preparedDataVariable } from './tests/support/prepared-data.ts'

// The processes that run the tests are started with it.
process.env[preparedDataVariable] = join(tmpdir(), `guichet-prepared-${randomUUID()}`)

const common = {
  root: import.meta.dirname,
  pool: 'forks' as const,
  testTimeout: 20_000,
  hookTimeout: 60_000,
}

/** The contract tests run unchanged against every arrangement; everything else runs once, on one database server. */
export default defineConfig({
  test: {
    globalSetup: [join(import.meta.dirname, 'tests/support/prepared-data-removal.ts')],
    projects: [
      {
        test: {
          ...common,
          name: 'server',
          globalSetup: ['tests/support/global-setup.ts'],
          include: ['src/**/*.test.ts', 'tests/*.test.ts', 'tests/{journeys,fault}/**/*.test.ts'],
        },
      },
      {
        test: {
          ...common,
          name: 'timing',
          globalSetup: ['tests/support/global-setup.ts'],
          include: ['tests/timing/*.test.ts'],
          // What is measured must not share the machine with other tests: after all of them, one file at a time.
          sequence: { groupOrder: 2 },
          fileParallelism: false,
        },
      },
      ...Object.entries(arrangements).map(([arrangement, folder]) => ({
        test: {
          ...common,
          name: `contract:${arrangement}`,
          // The files share one process: they keep no state in modules and talk to the same server, and starting one for each took time.
          isolate: false,
          // One after another: some count what the server holds, which the others change.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          globalSetup: ['tests/support/arrangement-setup.ts'],
          include: [`tests/contract/${folder}/*.test.ts`],
        },
      })),
    ],
  },
})
