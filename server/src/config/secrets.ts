import type { ContractName } from '../contracts/registry.ts'
import type { Reader } from './environment.ts'
import type { Plan } from './topologies.ts'

const shortest = 32
const fewestCharacters = 8

/** Why a text is no secret, for a sentence; undefined when nothing speaks against it. */
export function weaknessOf(secret: string): string | undefined {
  if (secret.length < shortest) return `must have at least ${shortest} characters; it has ${secret.length}`
  const characters = new Set(secret).size
  if (characters < fewestCharacters)
    return `must have at least ${fewestCharacters} different characters; it has ${characters}`
  return repeats(secret) ? 'must not be one text over and over' : undefined
}

const repeats = (secret: string): boolean =>
  Array.from({ length: secret.length / 2 }, (_, index) => index + 1).some(
    (period) => secret.slice(period) === secret.slice(0, -period),
  )

/** One that can be guessed is a problem, in development a warning. Its value is never repeated. */
function readSecret(read: Reader, name: string, development: boolean): string | undefined {
  const found = read.find(name)
  const weakness = found && weaknessOf(found.value)
  if (found && weakness !== undefined) {
    const said = development ? read.warnings : read.problems
    said.push(`${found.name} ${weakness}. \`openssl rand -base64 48\` makes one that is good.`)
  }
  return found?.value
}

/** The secrets of an installation; outside development nothing has a default that could be guessed. */
export function readSecrets(read: Reader, plan: Plan, development: boolean) {
  const secret = readSecret(read, 'GUICHET_SECRET', development)
  if (!development && secret === undefined) {
    const name = read.called('GUICHET_SECRET')
    read.problems.push(
      `${name} is missing: set at least ${shortest} random characters (as from \`openssl rand -base64 48\`).`,
    )
  }
  const internalToken = readSecret(read, 'INTERNAL_SERVICE_TOKEN', development)
  if (!development && plan.distributed && internalToken === undefined) {
    read.problems.push(
      `INTERNAL_SERVICE_TOKEN is missing: set the same at least ${shortest} random characters for every unit.`,
    )
  }
  const ofContracts = plan.contracts.flatMap((name) => {
    const own = readSecret(read, `${name.toUpperCase()}_JWT_SECRET`, development)
    return own === undefined ? [] : [[name, own] as const]
  })
  return {
    secret,
    internalToken,
    metricsToken: readSecret(read, 'GUICHET_METRICS_TOKEN', development),
    contractSecrets: Object.fromEntries(ofContracts) as Partial<Record<ContractName, string>>,
  }
}
