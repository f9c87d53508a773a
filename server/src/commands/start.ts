import { demoSignIns } from '../compose/bootstrap.ts'
import { compose, type Running } from '../compose/compose.ts'
import type { Config } from '../config/config.ts'
import { loadConfig, readEnvironment } from '../config/config.ts'
import { type Environment, ignoredVariables } from '../config/environment.ts'
import { misspeltVariables } from '../config/misspelt.ts'
import { type Plan, planOf } from '../config/topologies.ts'
import { contracts } from '../contracts/registry.ts'
import { StartError } from '../platform/errors.ts'
import { openLogger } from '../platform/log.ts'
import type { Print } from './command.ts'

/** Starts what the words name and says when it is ready. */
export async function start(words: readonly string[], print: Print, atOnce: AbortSignal): Promise<Running> {
  const plan = planOf(words)
  const environment = readEnvironment()
  const misspelt = misspeltVariables(environment)
  const config = configOf(environment, plan, misspelt)
  const logging = await openLogger(config, { unit: plan.label, instance: config.instanceId })
  const { log } = logging
  const warnings = [...ignoredVariables(environment, plan.deployment), ...misspelt, ...config.warnings]
  for (const warning of warnings) log.warn(warning)
  const running = await compose(config, plan, { ...logging, atOnce })
  print(announcement(config, plan, running))
  return running
}

/** What is missing may be what was misspelt: both are told together. */
function configOf(environment: Environment, plan: Plan, misspelt: readonly string[]): Config {
  try {
    return loadConfig(environment, plan)
  } catch (error) {
    if (!(error instanceof StartError) || misspelt.length === 0) throw error
    throw new StartError([error.message, ...misspelt.map((one) => `  - ${one}`)].join('\n'), { cause: error })
  }
}

function announcement({ development }: Config, plan: Plan, { listening, database, mail }: Running): string {
  const addresses = listening.map(({ unit, urls }) => {
    const what =
      unit.name === 'internal'
        ? 'for our other processes'
        : unit.gateway
          ? 'every route'
          : `the routes of ${unit.services.join(' and ')}`
    return `  ${unit.name.padEnd(16)} ${urls.join('  ')}  ${what}`
  })
  return [
    `Guichet is ready: ${plan.label} (${development ? 'development' : 'production'} mode), contracts ${plan.contracts.join(', ')}`,
    ...addresses,
    `  database         ${database}`,
    `  mail             ${mail}`,
    ...(development ? demoSignIns(plan.contracts.map((name) => contracts[name])) : []).map(
      (signIn) => `  demo sign-in     ${signIn}`,
    ),
  ].join('\n')
}
