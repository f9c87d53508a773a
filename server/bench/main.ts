import { availableParallelism, cpus } from 'node:os'
import { measureLogins } from './logins.ts'
import { measurePeople } from './people.ts'
import { measureProfile } from './profile.ts'
import { measureReads } from './reads.ts'
import { type Result, table } from './result.ts'
import { measureSessions } from './sessions.ts'
import { measureStarts } from './starts.ts'
import { measureTokens } from './tokens.ts'
import { measureVerifyBesideLogins } from './verify-beside-logins.ts'

/** Runs every benchmark, one after the other, and prints each figure beside its bar. Exit code 1 when a bar is missed or could not be measured. */
const measurements = [
  measureStarts,
  measureLogins,
  measureVerifyBesideLogins,
  measureReads,
  measureProfile,
  measurePeople,
  measureTokens,
  measureSessions,
]

const wanted = process.argv.slice(2)
const results: Result[] = []
for (const measure of measurements) {
  if (wanted.length > 0 && !wanted.some((name) => measure.name.toLowerCase().includes(name))) continue
  try {
    results.push(...(await measure()))
  } catch (error) {
    // What one could not measure does not lose what the others did.
    console.error(`${measure.name}:`, error)
    process.exitCode = 1
  }
}
console.log(`Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}`)
console.log(table(results))
if (!results.every(({ met }) => met)) process.exitCode = 1
