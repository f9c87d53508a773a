import { serviceNames } from '../contracts/_kit/services.ts'
import { contractNames } from '../contracts/registry.ts'
import { nearest } from '../platform/nearest.ts'
import { loadConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { planOf, topologies } from './topologies.ts'

const prefixes = ['GUICHET', ...[...serviceNames, ...contractNames].map((name) => name.toUpperCase())]
/** What Kubernetes and Docker's links set for services of these names. */
const setByPlatforms = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$/

/** The variables that look like ours and are none, each with the one that was likely meant. */
export function misspeltVariables(env: Environment): string[] {
  const ours = Object.keys(env).filter(
    (name) => env[name] && prefixes.some((prefix) => name.startsWith(`${prefix}_`)) && !setByPlatforms.test(name),
  )
  if (ours.length === 0) return []
  const known = knownVariables()
  return ours
    .filter((name) => !known.has(name))
    .map((name) => `${name} is no variable of Guichet and has no effect.${suggestionFor(name, [...known])}`)
}

/** The prefix is right: only what follows it is compared. */
function suggestionFor(name: string, known: readonly string[]): string {
  const prefix = name.slice(0, name.indexOf('_') + 1)
  const after = (one: string) => one.slice(prefix.length)
  const [rest] = nearest(after(name), known.filter((one) => one.startsWith(prefix)).map(after))
  return rest === undefined ? '' : ` Did you mean "${prefix}${rest}"?`
}

/** All that are read, in whichever topology. */
function knownVariables(): Set<string> {
  const units = topologies.flatMap(({ name, deployment }) =>
    name === 'all' ? [] : deployment.units.map((unit) => `${name}/${unit.name}`),
  )
  return new Set([...topologies.map(({ name }) => name), ...units].flatMap((word) => namesRead(word)))
}

/** The names of all variables that loading the configuration looks at, for a start. */
export function namesRead(word: string): string[] {
  const names = new Set<string>()
  // Which names are read depends on some values.
  for (const values of [{}, { GUICHET_PASSWORD_ALGORITHM: 'pbkdf2-sha256' }] satisfies Environment[]) {
    const env = new Proxy<Environment>(
      { GUICHET_DEV: 'true', ...values },
      {
        get(target, name) {
          if (typeof name === 'string') names.add(name)
          return Reflect.get(target, name)
        },
      },
    )
    loadConfig(env, planOf([word]))
  }
  return [...names]
}
