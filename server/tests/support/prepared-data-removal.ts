import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { preparedDataVariable } from './prepared-data.ts'

/** Nothing to set up: the data folder that others are copied from is made when it is needed, and removed after the run. */
export default function setup({ vitest }: TestProject): () => Promise<void> {
  // A run that is broken off stops what it has started, too.
  // Vitest's own listener ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.removeAllListeners(signal).once(signal, () => {
      process.exitCode = 1
      void vitest.exit(true)
    })
  return async () => {
    const prepared = process.env[preparedDataVariable]
    if (prepared) await rm(prepared, { recursive: true, force: true })
  }
}
