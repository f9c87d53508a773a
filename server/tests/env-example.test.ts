import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { contracts } from '../src/contracts/registry.ts'
import type { Environment } from '../src/environment.ts'
import { planOf, topologies } from '../src/topologies.ts'
import { repository } from './support/processes.ts'

/** The names of all variables that loading the configuration looks at, for every topology and unit. */
function namesRead(): Set<string> {
  const names = new Set<string>()
  const starts = topologies.flatMap(({ name, units }) => [
    [name],
    ...(name === 'all' ? [] : units.map((unit) => [`${name}/${unit.name}`])),
  ])
  for (const words of starts) {
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
      loadConfig(env, planOf(words))
    }
  }
  return names
}

const example = await readFile(join(repository, '.env.example'), 'utf8')

/** Names of the example: those with a value, and the aliases. */
const shown = new Set([
  ...[...example.matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name),
  ...[...example.matchAll(/In the shop: ([A-Z0-9_, ]+)$/gm)].flatMap(([, names = '']) => names.split(', ')),
])

test('.env.example has every variable that is read, and no other', () => {
  expect([...shown].sort()).toEqual([...namesRead()].sort())
})

test('every variable of the example is commented out, so that a copy of it changes nothing', () => {
  expect(example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
})

test('the defaults of the example are those of the program', () => {
  const values = Object.fromEntries(
    [...example.matchAll(/^#([A-Z][A-Z0-9_]+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  )
  // What stands for "none", or depends on the mode, is an example and no default.
  const defaults = Object.fromEntries(
    Object.entries(values).filter(
      ([name]) => !/^(NODE_ENV|HOST|PORT|\w+_DATABASE_URL|GUICHET_TRUSTED_\w+|GUICHET_CORS_\w+)$/.test(name),
    ),
  )
  const required = { GUICHET_SECRET: 's'.repeat(32) }
  expect(Object.keys(contracts)).toEqual(['shop'])
  expect(loadConfig({ ...required, ...defaults }, planOf(['shop']))).toEqual(loadConfig(required, planOf(['shop'])))
})
