import type { TestProject } from 'vitest/node'
import { type Arrangement, type ArrangementName, startArrangement } from './arrangements.ts'

// Vitest types what is provided by augmentation only.
declare module 'vitest' {
  interface ProvidedContext {
    /** What the contract tests run against. */
    arrangement: Arrangement
  }
}

/** Starts the arrangement that the project is named after (`contract:<arrangement>`); what it returns stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const name = project.name.replace('contract:', '') as ArrangementName
  const { stop, processes: _processes, restart: _restart, ...arrangement } = await startArrangement(name)
  project.provide('arrangement', arrangement)
  return stop
}
