import { describe, expect, test } from 'vitest'
import { type Config, loadConfig } from '../../src/config/config.ts'
import type { Environment } from '../../src/config/environment.ts'
import { planOf, topologies } from '../../src/config/topologies.ts'
import type { Deployment } from '../../src/contracts/_kit/deployment.ts'

/** A secret that is long enough. */
export const secret = 'a secret of the tests, long enough to be one'

/** The configuration that variables come to in development. */
export const load = (env: Environment, word: string): Config =>
  loadConfig({ GUICHET_DEV: 'true', ...env }, planOf([word]))

interface Scenario {
  env: Environment
  gives: { [Key in keyof Config]?: unknown }
  /** Where it gives that; the whole topology and its last unit when absent. */
  words?: readonly string[]
}

/** Declares the tests of what a reference's variables come to: in its own topology, and nothing anywhere else. */
export function variablesOf(name: string, deployment: Deployment, scenarios: readonly Scenario[]): void {
  describe(`the variables of ${name}`, () => {
    test.each(scenarios)('$env', ({ env, gives, words = [name, `${name}/${deployment.units.at(-1)?.name}`] }) => {
      for (const word of words) expect(load(env, word)).toMatchObject(gives)
    })

    test.each(scenarios)('$env changes nothing elsewhere', ({ env }) => {
      const others = topologies.filter(
        (other) => other.name !== name && !namesOf(other.deployment).some((one) => one in env),
      )
      expect(others.map((other) => other.name)).toContain('all')
      for (const other of others) expect(load(env, other.name)).toEqual(load({}, other.name))
      expect(load(env, 'identity')).toEqual(load({}, 'identity'))
    })

    test('every name of the reference is in one of them', () => {
      const shown = new Set(scenarios.flatMap(({ env }) => Object.keys(env)))
      expect(namesOf(deployment).filter((variable) => !shown.has(variable))).toEqual([])
    })
  })
}

/** The names of variables that count in the contract's own topology only. */
function namesOf({ aliases = {}, database, furtherOrigins }: Deployment): string[] {
  const parts = database ? ['HOST', 'PORT', database.user, database.password, 'NAME'] : []
  return [
    ...Object.values(aliases).flat(),
    ...parts.map((part) => `${database?.prefix}_${part}`),
    ...(furtherOrigins === undefined ? [] : [furtherOrigins]),
  ]
}
