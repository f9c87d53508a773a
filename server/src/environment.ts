import { aliases, inMilliseconds, withoutEffect } from './seed-names.ts'

/** The variables a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What to tell somebody who set variables that have no effect in this topology. */
export const unheard = (env: Environment, topology: string): string[] =>
  Object.entries(withoutEffect[topology] ?? {})
    .filter(([name]) => env[name])
    .map(([name, reason]) => `${name} has no effect: ${reason}.`)

const shortestSecret = 32
const secondsIn = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 } as const
const bytesIn = { k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3 } as const

export interface Range {
  min: number
  max: number
}

export type Reader = ReturnType<typeof createReader>

/**
 * Reads variables one by one and collects what is wrong with them in `problems`. An empty variable counts as unset. A
 * value that may hold a password is not repeated in its problem.
 */
export function createReader(env: Environment, topology: string) {
  const problems: string[] = []
  const namesOf = (name: string): string[] => [name, ...(aliases[topology]?.[name] ?? [])]
  /** The value with the name it was found under, for messages. */
  const find = (name: string): { name: string; value: string } | undefined => {
    for (const candidate of namesOf(name)) {
      const value = env[candidate]?.trim()
      if (value) return { name: candidate, value }
    }
    return undefined
  }
  const number = (name: string, { fallback, min, max }: Range & { fallback: number }): number => {
    const found = find(name)
    if (!found) return fallback
    const value = Number(found.value)
    if (Number.isFinite(value) && value >= min && value <= max) return value
    problems.push(`${found.name} must be a number from ${min} to ${max}, not "${found.value}".`)
    return fallback
  }
  const integer = (name: string, range: Range & { fallback: number }): number => {
    const value = number(name, range)
    if (Number.isInteger(value)) return value
    problems.push(`${find(name)?.name ?? name} must be a whole number.`)
    return range.fallback
  }
  const urlOf = (name: string, protocols: RegExp, form: string): string | undefined => {
    const found = find(name)
    if (found && !(URL.canParse(found.value) && protocols.test(new URL(found.value).protocol)))
      problems.push(`${found.name} must be a URL like ${form}.`)
    return found?.value
  }

  return {
    problems,
    number,
    integer,
    /** The name with the seed's for it, for messages about what is missing. */
    called: (name: string): string => namesOf(name).join(' or '),
    text: (name: string) => find(name)?.value,
    /** A whole number, or undefined when unset. */
    count: (name: string, range: Range): number | undefined =>
      find(name) && integer(name, { ...range, fallback: range.min }),
    /** Whole seconds, or undefined when unset. A number without a unit is in seconds, or milliseconds where a seed counts so. */
    duration(name: string, { min, max }: Range): number | undefined {
      const found = find(name)
      if (!found) return undefined
      const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(found.value) ?? []
      const bare = inMilliseconds.has(found.name) ? 'ms' : 's'
      const seconds = Math.ceil(Number(digits) * secondsIn[(unit ?? bare) as keyof typeof secondsIn])
      if (seconds >= min && seconds <= max) return seconds
      problems.push(`${found.name} must be a time like 90s, 15m, 24h or 7d, from ${min} s to ${max} s.`)
      return min
    },
    bytes(name: string, { fallback, min, max }: Range & { fallback: number }): number {
      const found = find(name)
      if (!found) return fallback
      const [, digits, unit] = /^(\d+)([kmg])?$/i.exec(found.value) ?? []
      const bytes = Number(digits) * (unit ? bytesIn[unit.toLowerCase() as keyof typeof bytesIn] : 1)
      if (bytes >= min && bytes <= max) return bytes
      problems.push(`${found.name} must be a size like 500k, 10m or 1g, from ${min} to ${max} bytes.`)
      return fallback
    },
    flag(name: string, fallback = false): boolean {
      const found = find(name)
      if (!found) return fallback
      if (found.value === 'false') return false
      if (found.value !== 'true') problems.push(`${found.name} must be true or false, not "${found.value}".`)
      return true
    },
    choice<const Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
      const found = find(name)
      if (!found) return fallback
      const chosen = choices.find((choice) => choice === found.value)
      if (chosen === undefined)
        problems.push(`${found.name} must be one of ${choices.join(', ')}, not "${found.value}".`)
      return chosen ?? fallback
    },
    port: (name: string): number | undefined => find(name) && integer(name, { fallback: 0, min: 0, max: 65_535 }),
    secret(name: string): string | undefined {
      const found = find(name)
      if (found && found.value.length < shortestSecret) {
        problems.push(`${found.name} must have at least ${shortestSecret} characters; it has ${found.value.length}.`)
      }
      return found?.value
    },
    list: (name: string): string[] =>
      (find(name)?.value ?? '')
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    url: (name: string) => urlOf(name, /^https?:$/, 'https://host:port')?.replace(/\/+$/, ''),
    databaseUrl: (name: string) => urlOf(name, /^postgres(ql)?:$/, 'postgresql://user:password@host:5432/database'),
    redisUrl: (name: string) => urlOf(name, /^rediss?:$/, 'redis://host:6379/0 or rediss://host:6379/0'),
  }
}
