import { expect, test } from 'vitest'
import type { Deployment } from '../contracts/_kit/deployment.ts'
import type { ServiceName } from '../contracts/_kit/services.ts'
import { readDatabaseUrls } from './databases.ts'
import { createReader, type Environment } from './environment.ts'
import type { Plan } from './topologies.ts'

const deployment: Deployment = {
  units: [],
  aliases: { IDENTITY_DATABASE_URL: ['DATABASE_URL'], PROFILES_DATABASE_URL: ['DATABASE_URL'] },
  database: { prefix: 'DB', user: 'USER', password: 'PASS', defaults: { user: 'postgres', port: 5_432, name: 'main' } },
}
const [a, b, c] = ['postgresql://u:p@a/one', 'postgresql://u:p@b/one', 'postgresql://u:p@b/two']
const inSchema = (url: string, schema: string) => `${url}?options=-c+search_path%3D${schema}`
/** The variables of our own names. */
const own = (IDENTITY_DATABASE_URL?: string, PROFILES_DATABASE_URL?: string, ORDERS_DATABASE_URL?: string) => ({
  IDENTITY_DATABASE_URL,
  PROFILES_DATABASE_URL,
  ORDERS_DATABASE_URL,
})
const parts = { DB_HOST: '::1', DB_USER: 'a@b', DB_PASS: 'p/:?', DB_NAME: 'x y', DB_PORT: '65535' }
const options = 'options=-c+x%3D1'

/** The services that run here and those of the whole topology, by their first letters; then the URL of each, and problems. */
test.each<[string, Environment, string, string, [string, string, string] | undefined, number]>([
  ['nothing is set', {}, 'ipo', 'ipo', undefined, 0],
  ['each has its own', own(a, b, c), 'ipo', 'ipo', [a, b, c], 0],
  ['two of three share', own(a, b, b), 'ipo', 'ipo', [a, inSchema(b, 'profiles'), inSchema(b, 'orders')], 0],
  [
    'they share one that has options',
    own(`${a}?${options}`, `${a}?${options}`),
    'ip',
    'ip',
    [`${a}?${options}+-c+search_path%3Didentity`, `${a}?${options}+-c+search_path%3Dprofiles`, ''],
    0,
  ],
  ['one that runs here has none', own(a), 'ip', 'ipo', [a, '', ''], 1],
  ['one that runs elsewhere has none', own(a), 'i', 'ipo', [a, '', ''], 0],
  [
    "the reference's name is for all that run",
    { DATABASE_URL: a },
    'ip',
    'ip',
    [inSchema(a, 'public'), inSchema(a, 'profiles'), ''],
    0,
  ],
  ['a unit alone has the schema it has there', { DATABASE_URL: a }, 'p', 'ip', ['', inSchema(a, 'profiles'), ''], 0],
  ['the only service needs no schema', { DATABASE_URL: a }, 'i', 'i', [a, '', ''], 0],
  [
    'our own name wins, for its service',
    { ...own(b), DATABASE_URL: a },
    'ip',
    'ip',
    [b, inSchema(a, 'profiles'), ''],
    0,
  ],
  ['parts are escaped', parts, 'i', 'i', ['postgresql://a%40b:p%2F%3A%3F@[::1]:65535/x%20y', '', ''], 0],
  ['parts have defaults', { DB_PASS: 'p' }, 'i', 'i', ['postgresql://postgres:p@localhost:5432/main', '', ''], 0],
  ['a whole URL wins over parts', { ...parts, DATABASE_URL: a }, 'i', 'i', [a, '', ''], 0],
])('%s', (_what, env, here, everywhere, urls, problems) => {
  const all = ['identity', 'profiles', 'orders'] as const satisfies readonly ServiceName[]
  const named = (letters: string) => all.filter(([first = '']) => letters.includes(first))
  const reader = createReader(env, deployment)
  const plan = { deployment, services: named(here), everywhere: named(everywhere) } as Partial<Plan> as Plan
  const [identity, profiles, orders] = urls ?? []
  expect(readDatabaseUrls(reader, plan)).toEqual(urls && { identity, profiles, orders })
  expect(reader.problems).toHaveLength(problems)
})

test('a password without a default is missed once, however many services want it', () => {
  const reader = createReader({ DB_HOST: 'h' }, deployment)
  readDatabaseUrls(reader, { deployment, services: ['identity', 'profiles'], everywhere: ['identity'] } as never)
  expect(reader.problems).toEqual([expect.stringContaining('DB_PASS is missing')])
})
