import type { Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Ajv } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { messageOf, StartError } from '../platform/errors.ts'
import { suggestion } from '../platform/nearest.ts'

/** A file with one JSON object a line. */
export interface NdjsonFile<Schema extends TSchema> {
  path: string
  schema: Schema
  mostLines: number
  /** Takes every byte that was read, so that a second reading can tell whether it read the same. */
  digest?: Hash
}

/** A line that is not blank, by its number from 1: what it holds, or why it does not fit. */
export type NdjsonLine<Value> = { number: number; value: Value } | { number: number; problem: string }

/** Bytes of the longest line that is read, and of the chunks it is read in. */
const longestLine = 64 * 1024

/** Reads the lines one at a time, whatever the size of the file. Refuses a file that cannot be read, is not UTF-8 or too long. */
export async function* readNdjson<const Schema extends TSchema>(
  file: NdjsonFile<Schema>,
): AsyncGenerator<NdjsonLine<Static<Schema>>> {
  const validate = new Ajv({ strict: false, allErrors: true }).compile<Static<Schema>>(file.schema)
  const keys = Object.keys((file.schema as { properties?: object }).properties ?? {})
  let number = 0
  try {
    for await (const line of linesOf(file)) {
      number += 1
      if (line.trim() === '') continue
      if (number > file.mostLines) throw new StartError(`${file.path} has more than ${file.mostLines} lines: split it.`)
      const value = parse(line)
      yield validate(value) ? { number, value } : { number, problem: explain(validate.errors ?? [], keys) }
    }
  } catch (error) {
    throw isReadError(error)
      ? new StartError(`${file.path} cannot be read: ${messageOf(error)}`, { cause: error })
      : error
  }
}

/** What is wrong with a file: a few lines are named, and all are counted. */
export interface Problems {
  report(number: number, problem: string): void
  /** Throws a StartError that names them, if there are any. */
  refuse(): void
}

const mostProblems = 20

export function problemsOf(path: string): Problems {
  /** The first ones by their lines, which are not reported in their order. */
  let named: { number: number; problem: string }[] = []
  let count = 0
  return {
    report(number, problem) {
      count += 1
      named.push({ number, problem })
      if (named.length > 2 * mostProblems) named = firstOf(named)
    },
    refuse() {
      if (count === 0) return
      const lines = firstOf(named).map(({ number, problem }) => `line ${number}: ${problem}`)
      const more = count > lines.length ? [`and ${count - lines.length} more`] : []
      const problems = count === 1 ? '1 problem' : `${count} problems`
      throw new StartError(`Nothing was written. ${path} has ${problems}:\n  ${[...lines, ...more].join('\n  ')}`)
    },
  }
}

const firstOf = <Named extends { number: number }>(named: readonly Named[]): Named[] =>
  named.toSorted((one, other) => one.number - other.number).slice(0, mostProblems)

async function* linesOf({ path, digest }: Pick<NdjsonFile<TSchema>, 'path' | 'digest'>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let begun = ''
  for await (const chunk of createReadStream(path, { highWaterMark: longestLine }) as AsyncIterable<Buffer>) {
    digest?.update(chunk)
    const lines = (begun + decoder.decode(chunk, { stream: true })).split('\n')
    begun = lines.pop() ?? ''
    yield* lines
    if (begun.length > longestLine) throw new StartError(`${path} has a line of more than ${longestLine} characters.`)
  }
  yield begun + decoder.decode()
}

const isReadError = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code !== undefined

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

type SchemaError = { instancePath: string; message?: string; params: { additionalProperty?: unknown } }

/** A key that is not known says more than one that is missing: it is that one, mistyped. */
function explain(errors: readonly SchemaError[], keys: readonly string[]): string {
  const unknown = errors.map(({ params }) => params.additionalProperty).find((key) => typeof key === 'string')
  if (unknown !== undefined)
    return `"${unknown}" is no field of a line.${suggestion(unknown, keys) || ` Known: ${keys.join(', ')}.`}`
  const [error] = errors
  return error ? `${error.instancePath.slice(1) || 'it'} ${error.message ?? 'does not fit'}` : 'is not a JSON object'
}
