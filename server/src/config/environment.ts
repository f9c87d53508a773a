import type { Deployment } from '../contracts/_kit/deployment.ts'

/** The variables a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What to tell somebody who set variables that have no effect in this topology. */
export const ignoredVariables = (env: Environment, { ignored = {} }: Deployment): string[] =>
  Object.entries(ignored)
    .filter(([name]) => env[name])
    .map(([name, reason]) => `${name} has no effect: ${reason}.`)

const shortestSecret = 32
const secondsIn = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 } as const
const bytesIn = { k: 1_024, m: 1_024 ** 2, g: 1_024 ** 3 } as const

export interface Bounds {
  min: number
  max: number
}

export type Reader = ReturnType<typeof createReader>

interface Found {
  name: string
  value: string
}

/**
 * Reads variables one by one, by our names and those of the deployment, and collects what is wrong with them in `problems`. An empty variable counts as unset. A
 * value that may hold a password is not repeated in its problem.
 */
export function createReader(
  env: Environment,
  { aliases = {}, inMilliseconds = [] }: Pick<Deployment, 'aliases' | 'inMilliseconds'>,
) {
  const problems: string[] = []
  const namesOf = (name: string): string[] => [name, ...(aliases[name] ?? [])]
  const findOne = (name: string): Found | undefined => {
    const value = env[name]?.trim()
    return value ? { name, value } : undefined
  }
  /** The value with the name it was found under, for messages. */
  const find = (name: string) => namesOf(name).map(findOne).find(Boolean)
  const number = (name: string, { fallback, min, max }: Bounds & { fallback: number }): number => {
    const found = find(name)
    if (!found) return fallback
    const value = Number(found.value)
    if (Number.isFinite(value) && value >= min && value <= max) return value
    problems.push(`${found.name} must be a number from ${min} to ${max}, not "${found.value}".`)
    return fallback
  }
  const integer = (name: string, range: Bounds & { fallback: number }): number => {
    const value = number(name, range)
    if (Number.isInteger(value)) return value
    problems.push(`${find(name)?.name ?? name} must be a whole number.`)
    return range.fallback
  }
  const urlOf = (found: Found | undefined, protocols: RegExp, form: string): string | undefined => {
    if (found && !(URL.canParse(found.value) && protocols.test(new URL(found.value).protocol)))
      problems.push(`${found.name} must be a URL like ${form}.`)
    return found?.value
  }

  const secondsOf = (text: string, bare: keyof typeof secondsIn): number => {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
    return Math.ceil(Number(digits) * secondsIn[(unit ?? bare) as keyof typeof secondsIn])
  }

  return {
    problems,
    /** Adds a problem, unless it was said already. */
    problem(text: string): void {
      if (!problems.includes(text)) problems.push(text)
    },
    number,
    integer,
    /** The name with the reference's for it, for messages about what is missing. */
    called: (name: string): string => namesOf(name).join(' or '),
    text: (name: string) => find(name)?.value,
    /** A whole number, or undefined when unset. */
    count: (name: string, range: Bounds): number | undefined =>
      find(name) && integer(name, { ...range, fallback: range.min }),
    /** Whole seconds, or undefined when unset. A number without a unit is in seconds, or milliseconds where a reference counts so. */
    duration(name: string, { min, max }: Bounds): number | undefined {
      const found = find(name)
      if (!found) return undefined
      const seconds = secondsOf(found.value, inMilliseconds.includes(found.name) ? 'ms' : 's')
      if (seconds >= min && seconds <= max) return seconds
      problems.push(`${found.name} must be a time like 90s, 15m, 24h or 7d, from ${min} s to ${max} s.`)
      return min
    },
    /** Limits with their windows, as `3/1s,20/1m`; undefined when unset or none. */
    windows(name: string, most: { points: number; seconds: number }) {
      const found = find(name)
      if (!found) return undefined
      const windows = found.value.split(',').map((entry) => {
        const [points = '', window = ''] = entry.trim().split('/')
        return { points: Number(points), seconds: secondsOf(window, 's') }
      })
      const fits = ({ points, seconds }: { points: number; seconds: number }) =>
        Number.isInteger(points) && points >= 1 && points <= most.points && seconds >= 1 && seconds <= most.seconds
      const [first, ...others] = windows
      if (first && windows.length <= 5 && windows.every(fits)) return [first, ...others] as const
      problems.push(`${found.name} must be limits with their windows like 3/1s,20/1m, five at most.`)
      return undefined
    },
    bytes(name: string, { fallback, min, max }: Bounds & { fallback: number }): number {
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
    choice<const Choice extends string, Fallback extends Choice | undefined>(
      name: string,
      choices: readonly Choice[],
      fallback: Fallback,
    ): Choice | Fallback {
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
    url: (name: string) => urlOf(find(name), /^https?:$/, 'https://host:port')?.replace(/\/+$/, ''),
    /** @param options.aliases false: by our own name only */
    databaseUrl: (name: string, { aliases: aliased = true } = {}) =>
      urlOf(aliased ? find(name) : findOne(name), /^postgres(ql)?:$/, 'postgresql://user:password@host:5432/database'),
    redisUrl: (name: string) => urlOf(find(name), /^rediss?:$/, 'redis://host:6379/0 or rediss://host:6379/0'),
  }
}
