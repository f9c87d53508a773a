/** The variables a process was started with. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The names that a seed gave to a variable of ours; they count only in that seed's own topology. */
const aliases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: {
    SHOP_JWT_SECRET: 'JWT_SECRET',
    SHOP_ADMIN_PASSWORD: 'ADMIN_PASSWORD',
    GUICHET_UPSTREAM_TIMEOUT_MS: 'UPSTREAM_TIMEOUT_MS',
    GUICHET_PASSWORD_ALGORITHM: 'PASSWORD_ALGORITHM',
    GUICHET_IDENTITY_URL: 'AUTH_SERVICE_URL',
    GUICHET_PROFILES_URL: 'USER_SERVICE_URL',
    GUICHET_ORDERS_URL: 'ORDERS_SERVICE_URL',
    GUICHET_CORS_ORIGINS: 'CORS_ORIGIN',
  },
}

/** Names of a seed that mean nothing here, with the reason. */
const withoutEffect: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { DB_PATH: 'it names an SQLite file, and the services keep their data in PostgreSQL' },
}

/** What to tell somebody who set variables that have no effect in this topology. */
export const unheard = (env: Environment, topology: string): string[] =>
  Object.entries(withoutEffect[topology] ?? {})
    .filter(([name]) => env[name])
    .map(([name, reason]) => `${name} has no effect: ${reason}.`)

const shortestSecret = 32

/** Reads variables one by one and collects what is wrong with them in `problems`. An empty variable counts as unset. */
export function createReader(env: Environment, topology: string) {
  const problems: string[] = []
  const aliasOf = (name: string) => aliases[topology]?.[name]
  /** The value with the name it was found under, for messages. */
  const find = (name: string): { name: string; value: string } | undefined => {
    for (const candidate of [name, aliasOf(name)]) {
      const value = candidate === undefined ? undefined : env[candidate]?.trim()
      if (candidate !== undefined && value) return { name: candidate, value }
    }
    return undefined
  }
  const number = (name: string, { fallback, min, max }: { fallback: number; min: number; max: number }): number => {
    const found = find(name)
    if (!found) return fallback
    const value = Number(found.value)
    if (Number.isFinite(value) && value >= min && value <= max) return value
    problems.push(`${found.name} must be a number from ${min} to ${max}, not "${found.value}".`)
    return fallback
  }
  const integer = (name: string, range: { fallback: number; min: number; max: number }): number => {
    const value = number(name, range)
    if (Number.isInteger(value)) return value
    problems.push(`${find(name)?.name ?? name} must be a whole number.`)
    return range.fallback
  }

  return {
    problems,
    number,
    integer,
    text: (name: string) => find(name)?.value,
    flag(name: string): boolean {
      const found = find(name)
      if (!found || found.value === 'false') return false
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
    port(name: string): number | undefined {
      return find(name) && integer(name, { fallback: 0, min: 0, max: 65_535 })
    },
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
    url(name: string): string | undefined {
      const found = find(name)
      if (found && !(URL.canParse(found.value) && /^https?:$/.test(new URL(found.value).protocol))) {
        problems.push(`${found.name} must be an http or https URL, not "${found.value}".`)
      }
      return found?.value.replace(/\/+$/, '')
    },
    databaseUrl(name: string): string | undefined {
      const found = find(name)
      // The value is not repeated: it may hold a password.
      if (found && !(URL.canParse(found.value) && /^postgres(ql)?:$/.test(new URL(found.value).protocol))) {
        problems.push(`${found.name} must be a URL like postgresql://user:password@host:5432/database.`)
      }
      return found?.value
    },
  }
}
