import { defineConfig } from 'vitest/config'
import { arrangements } from './tests/support/arrangements.ts'

const common = {
  root: import.meta.dirname,
  pool: 'forks' as const,
  // The files of a project share one process: they keep no state in modules, and starting one for each took a minute.
  isolate: false,
  testTimeout: 20_000,
  hookTimeout: 60_000,
}

/** The contract tests run unchanged against every arrangement; everything else runs once, on one database server. */
export default defineConfig({
  test: {
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
          include: ['tests/timing/*.test.ts'],
          // What is measured must not share the machine with other tests: after all of them, one file at a time.
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
      ...Object.entries(arrangements).map(([arrangement, folder]) => ({
        test: {
          ...common,
          name: `contract:${arrangement}`,
          globalSetup: ['tests/support/arrangement-setup.ts'],
          include: [`tests/contract/${folder}/*.test.ts`],
        },
      })),
    ],
  },
})
