import { afterAll } from 'vitest'
import { watchLeaks } from './leaks.ts'

// Of every test file, before its own code runs.
const leaked = watchLeaks()

// The first hook to be registered is the last to run: whatever the file closes after its tests is closed by now.
afterAll(async () => {
  const found = await leaked()
  if (found.length === 0) return
  throw new Error(`This file left open what would keep a process from ending:\n  ${found.join('\n  ')}`)
})
