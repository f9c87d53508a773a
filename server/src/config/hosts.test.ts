import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { planOf } from './topologies.ts'

const production: Environment = {
  GUICHET_SECRET: 'a secret of the tests, long enough to be one',
  INTERNAL_SERVICE_TOKEN: 'a token of the tests, long enough to be one',
  GUICHET_APP_URL: 'https://app.example.org',
  REDIS_URL: 'redis://r:6379/0',
}
const hosts = (env: Environment, ...words: string[]) => Object.fromEntries(loadConfig(env, planOf(words)).hosts)
const problem = (named: string, ...words: string[]): string => {
  try {
    loadConfig({ ...production, GUICHET_HOSTS: named }, planOf(words))
  } catch (error) {
    return String(error)
  }
  return ''
}

test('without GUICHET_HOSTS contracts have hosts in development only', () => {
  expect(hosts({ GUICHET_DEV: 'true' })).toMatchObject({ 'shop.localhost': 'shop', 'helpdesk.localhost': 'helpdesk' })
  expect(Object.keys(hosts({ GUICHET_DEV: 'true' })).sort()).toEqual(
    planOf([])
      .contracts.map((name) => `${name}.localhost`)
      .sort(),
  )
  expect(hosts(production)).toEqual({})
})

test('a contract may have several names, written in any case and with the dot of the root', () => {
  const named = 'shop=Shop.Example.org, helpdesk=h1.example.org. ,helpdesk = h2.example.org,tenants=10.0.0.5'
  expect(hosts({ ...production, GUICHET_HOSTS: named })).toEqual({
    'shop.example.org': 'shop',
    'h1.example.org': 'helpdesk',
    'h2.example.org': 'helpdesk',
    '10.0.0.5': 'tenants',
  })
})

test('a name that is given counts beside those of development, and before them', () => {
  const found = hosts({ GUICHET_DEV: 'true', GUICHET_HOSTS: 'shop=s.example.org,shop=clients.localhost' })
  expect(found).toMatchObject({ 's.example.org': 'shop', 'clients.localhost': 'shop', 'shop.localhost': 'shop' })
})

test.each([
  ['bank=b.example.org', 'no contract "bank"'],
  ['shop=s.example.org,clients=S.example.org', '"s.example.org" stands there twice'],
  ['shop=s.example.org,shop=s.example.org.', '"s.example.org" stands there twice'],
  ['shop=s.example.org:8000', '"s.example.org:8000" is no host name'],
  ['shop=https://s.example.org', '"https://s.example.org" is no host name'],
  ['shop=-s.example.org', '"-s.example.org" is no host name'],
  ['shop=s..example.org', '"s..example.org" is no host name'],
  ['shop=[::1]', '"[::1]" is no host name'],
  [`shop=${'x'.repeat(64)}.org`, 'is no host name'],
  [`shop=${'x.'.repeat(127)}org`, 'is no host name'],
  ['shop=', '"" is no host name'],
  ['s.example.org', '"s.example.org" is not like shop=www.example.org'],
])('GUICHET_HOSTS=%s is refused and named', (named, said) => {
  expect(problem(named)).toContain('GUICHET_HOSTS: ')
  expect(problem(named)).toContain(said)
})

test('every name that does not fit is told', () => {
  expect(problem('bank=b.example.org,shop=s:1')).toMatch(/"bank"[\s\S]*"s:1"/)
})

test('only the shared gateway and its roles read it', () => {
  for (const words of [['all'], ['gateway'], ['gateway', 'orders']]) {
    expect(problem('bank=b', ...words), words.join(' ')).toContain('bank')
    expect(hosts({ ...production, GUICHET_HOSTS: 'shop=s' }, ...words)).toEqual({ s: 'shop' })
  }
  for (const words of [['shop'], ['shop/api-gateway'], ['helpdesk'], ['clients'], ['tenants']]) {
    expect(problem('bank=b', ...words), words.join(' ')).toBe('')
    expect(hosts({ ...production, GUICHET_DEV: 'true', GUICHET_HOSTS: 'shop=s' }, ...words)).toEqual({})
  }
})

test('GUICHET_SERVICE_NAME is a word', () => {
  const named = (name: string) => loadConfig({ ...production, GUICHET_SERVICE_NAME: name }, planOf([])).serviceName
  expect(named('')).toBeUndefined()
  expect(named('user-service.v2')).toBe('user-service.v2')
  for (const name of ['two words', 'a/b', 'é', 'x'.repeat(101)]) {
    expect(() => named(name), name).toThrow('GUICHET_SERVICE_NAME')
  }
})

test('development serves names of this machine, and those that are named', () => {
  const served = (env: Environment) => loadConfig(env, planOf(['all'])).devHosts
  expect(served(production)).toBeUndefined()
  expect(served({ ...production, GUICHET_DEV_HOSTS: 'a.example' })).toBeUndefined()
  expect(served({ GUICHET_DEV: 'true' })).toEqual(new Set())
  const env = {
    GUICHET_DEV: 'true',
    HOST: 'fd00::1',
    GUICHET_HOSTS: 'shop=Shop.Example',
    GUICHET_DEV_HOSTS: 'A.example., 10.0.0.7',
  }
  expect(served(env)).toEqual(new Set(['a.example', '10.0.0.7', 'shop.example', '[fd00::1]']))
  expect(() => served({ GUICHET_DEV: 'true', GUICHET_DEV_HOSTS: 'a b' })).toThrow(
    'GUICHET_DEV_HOSTS: "a b" is no host name.',
  )
})
