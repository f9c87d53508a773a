import { availableParallelism, cpus } from 'node:os'
import { measureLogins } from './logins.ts'
import { measureReads } from './reads.ts'
import { type Result, table } from './result.ts'
import { measureStarts } from './starts.ts'
import { measureVerifyBesideLogins } from './verify-beside-logins.ts'

/** Runs every benchmark, one after the other, and prints each figure beside its bar. Exit code 1 when a bar is missed. */
const measurements = [measureStarts, measureLogins, measureVerifyBesideLogins, measureReads]

const wanted = process.argv.slice(2)
const results: Result[] = []
for (const measure of measurements) {
  if (wanted.length > 0 && !wanted.some((name) => measure.name.toLowerCase().includes(name))) continue
  results.push(...(await measure()))
}
console.log(`Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}`)
console.log(table(results))
process.exitCode = results.every(({ met }) => met) ? 0 : 1
