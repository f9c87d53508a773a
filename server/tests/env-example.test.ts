import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../src/config/config.ts'
import type { Environment } from '../src/config/environment.ts'
import { namesRead } from '../src/config/misspelt.ts'
import { planOf, topologies } from '../src/config/topologies.ts'
import { repository } from './support/processes.ts'

const ofAll = new Set(namesRead('all'))
const readAnywhere = topologies.flatMap(({ name, deployment: { units } }) => [
  ...namesRead(name),
  ...(name === 'all' ? [] : units.flatMap((unit) => namesRead(`${name}/${unit.name}`))),
])

const example = await readFile(join(repository, '.env.example'), 'utf8')

/** What the placeholders of the example stand for. */
const placeholders = {
  '<CONTRACT>': planOf(['all']).contracts.map((name) => name.toUpperCase()),
  '<LIMIT>': ['CREDENTIALS', 'MAIL', 'WRITE', 'READ', 'METRICS', 'REGISTER', 'UPLOAD', 'DOWNLOAD'],
}
const expanded = (name: string): string[] =>
  Object.entries(placeholders).reduce<string[]>(
    (names, [placeholder, values]) =>
      names.flatMap((one) =>
        one.includes(placeholder) ? values.map((value) => one.replace(placeholder, value)) : [one],
      ),
    [name],
  )

/** Names of the example that have a value, with the value. */
const shown = [...example.matchAll(/^#([A-Z_<>][A-Z0-9_<>]+)=(.*)$/gm)].map(([, name = '', value = '']) => ({
  name,
  value,
}))
/** The references' names, by topology. */
const aliases = [...example.matchAll(/^# In (\w+): ([A-Z0-9_, ]+)$/gm)].flatMap(([, topology = '', names = '']) =>
  names.split(', ').map((name) => ({ topology, name })),
)

test('.env.example has every variable that is read, and no other', () => {
  const named = [...shown.flatMap(({ name }) => expanded(name)), ...aliases.map(({ name }) => name)]
  expect([...new Set(named)].sort()).toEqual([...new Set(readAnywhere)].sort())
})

test("a reference's name stands under the topology that reads it", () => {
  const own = new Set(shown.flatMap(({ name }) => expanded(name)))
  for (const { name: topology } of topologies) {
    const said = aliases.filter((alias) => alias.topology === topology).map(({ name }) => name)
    const read = namesRead(topology).filter((name) => !ofAll.has(name) && !own.has(name))
    expect(new Set(said), topology).toEqual(new Set(read))
  }
})

test.each(topologies)('what has no effect in $name is told of as well', ({ deployment: { ignored = {} } }) => {
  for (const name of Object.keys(ignored)) expect(example).toMatch(new RegExp(`^# .*\\b${name}\\b`, 'm'))
})

test('every variable of the example is commented out, so that a copy of it changes nothing', () => {
  expect(example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
})

test.each(['all', 'shop'])('the defaults of the example are those of the program: %s', (topology) => {
  // What stands for "none", or depends on the mode or the contract, is an example and no default.
  const examples =
    /^(NODE_ENV|HOST|PORT|REDIS_URL|\w+_DATABASE_URL|GUICHET_(TRUSTED|CORS|LOG_FILE|APP|INSTANCE|S3)_?\w*|.*<CONTRACT>.*)$/
  const whole = topology === 'shop' ? /$^/ : /^(?!GUICHET)\w+_PORT$/
  const defaults = Object.fromEntries(
    shown
      .filter(({ name, value }) => value !== '' && !whole.test(name))
      .filter(({ name }) => !examples.test(name) || /_LOG_FILE_/.test(name))
      .map(({ name, value }) => [name, value]),
  )
  expect(Object.keys(defaults).length).toBeGreaterThan(15)
  const required = {
    GUICHET_SECRET: 'a secret of the tests, long enough to be one',
    GUICHET_APP_URL: 'https://app.example.org',
  }
  expect(loadConfig({ ...required, ...defaults }, planOf([topology]))).toEqual(loadConfig(required, planOf([topology])))
})

test.each(topologies.filter(({ deployment }) => deployment.database))(
  'with the example’s parts of a database, $name has what its password alone gives',
  ({ name: topology, deployment: { database: { prefix, password } = { prefix: '', password: '' } } }) => {
    const parts = Object.fromEntries(
      shown.filter(({ name }) => name.startsWith(`${prefix}_`)).map(({ name, value }) => [name, value]),
    )
    const urlsOf = (env: Environment) => loadConfig({ GUICHET_DEV: 'true', ...env }, planOf([topology])).databaseUrls
    const one = { [`${prefix}_${password}`]: 'password' }
    expect(Object.keys(parts)).toHaveLength(5)
    expect(urlsOf({ ...parts, ...one })).toEqual(urlsOf(one))
  },
)
