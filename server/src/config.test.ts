import { describe, expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { planOf } from './topologies.ts'

const development: Environment = { GUICHET_DEV: 'true' }
const secret = 'x'.repeat(32)
const load = (env: Environment, ...words: string[]) => loadConfig(env, planOf(words))
const problems = (env: Environment, ...words: string[]): string => {
  try {
    load(env, ...words)
  } catch (error) {
    return String(error)
  }
  return ''
}

describe('topologies', () => {
  test('the default is everything on 8000', () => {
    const { listeners, databaseUrls } = load(development)
    expect(listeners).toMatchObject([{ name: 'gateway', port: 8000, host: 'localhost' }])
    expect(databaseUrls).toBeUndefined()
  })

  test('the shop has its four documented ports', () => {
    expect(load(development, 'shop').listeners.map(({ name, port }) => [name, port])).toEqual([
      ['api-gateway', 8000],
      ['auth-service', 8001],
      ['user-service', 8002],
      ['orders-service', 8003],
    ])
  })

  test.each([
    [['nonsense']],
    [['shop/nonsense']],
    [['all/gateway']],
    [['shop', 'all']],
    [['identity', 'nonsense']],
    [['shop/auth-service/x']],
  ])('%j is refused with the names there are', (words) => {
    expect(() => planOf(words)).toThrow(/all, shop[\s\S]*shop\/auth-service[\s\S]*gateway, identity, profiles, orders/)
  })

  test('roles share a process, and the rest is elsewhere', () => {
    const plan = planOf(['identity', 'profiles'])
    expect(plan).toMatchObject({ services: ['identity', 'profiles'], distributed: true })
    expect(plan.listeners).toHaveLength(1)
  })
})

describe('the environment', () => {
  test('every problem is reported at once', () => {
    const found = problems({
      LOG_LEVEL: 'loud',
      PORT: 'x',
      GUICHET_TRUSTED_PROXIES: '',
      ORDERS_DATABASE_URL: 'mysql://x',
    })
    for (const name of ['GUICHET_SECRET', 'LOG_LEVEL', 'PORT', 'ORDERS_DATABASE_URL']) expect(found).toContain(name)
  })

  test('development mode is refused in production', () => {
    expect(problems({ ...development, NODE_ENV: 'production' })).toContain('GUICHET_DEV')
  })

  test('outside development secrets are asked for, those between units only where there are several', () => {
    expect(problems({})).toContain('GUICHET_SECRET')
    expect(problems({ GUICHET_SECRET: secret })).toBe('')
    expect(problems({ GUICHET_SECRET: secret }, 'shop/auth-service')).toContain('INTERNAL_SERVICE_TOKEN')
    expect(problems({ GUICHET_SECRET: 'short' })).toContain('at least 32')
  })

  test('limits and costs are only loosened in development', () => {
    const production = { GUICHET_SECRET: secret }
    expect(problems({ ...production, GUICHET_LIMITS_SCALE: '10' })).toContain('GUICHET_LIMITS_SCALE')
    expect(problems({ ...production, GUICHET_ARGON2_MEMORY_KIB: '64' })).toContain('GUICHET_ARGON2_MEMORY_KIB')
    expect(load({ ...development, GUICHET_LIMITS_SCALE: '10', GUICHET_ARGON2_MEMORY_KIB: '64' })).toMatchObject({
      limitsScale: 10,
      hashing: { algorithm: 'argon2id', memoryKib: 64 },
    })
  })

  test('PORT is for one listener; several have variables of their own', () => {
    expect(load({ ...development, PORT: '9000' }).listeners[0]?.port).toBe(9000)
    expect(problems({ ...development, PORT: '9000' }, 'shop')).toContain('AUTH_SERVICE_PORT')
    expect(load({ ...development, AUTH_SERVICE_PORT: '9001' }, 'shop').listeners[1]?.port).toBe(9001)
  })

  test("a seed's names count in its own topology only", () => {
    const env = { ...development, JWT_SECRET: secret, AUTH_SERVICE_URL: 'http://auth:1', UPSTREAM_TIMEOUT_MS: '900' }
    expect(load(env, 'shop/api-gateway')).toMatchObject({
      contractSecrets: { shop: secret },
      serviceUrls: { identity: 'http://auth:1' },
      upstreamTimeoutMs: 900,
    })
    const elsewhere = load(env)
    expect(elsewhere.contractSecrets).toEqual({})
    expect(elsewhere.upstreamTimeoutMs).toBe(5_000)
    expect(load({ ...development, SHOP_JWT_SECRET: secret }).contractSecrets).toEqual({ shop: secret })
  })

  test('one database URL asks for those of all services that run here', () => {
    const env = { ...development, IDENTITY_DATABASE_URL: 'postgresql://u:p@h/identity' }
    expect(problems(env)).toMatch(/PROFILES_DATABASE_URL[\s\S]*ORDERS_DATABASE_URL/)
    expect(load(env, 'shop/auth-service').databaseUrls).toMatchObject({ identity: 'postgresql://u:p@h/identity' })
  })

  test('one URL for several services gives each a schema', () => {
    const url = 'postgresql://u:p@h/guichet'
    const env = { ...development, IDENTITY_DATABASE_URL: url, PROFILES_DATABASE_URL: url, ORDERS_DATABASE_URL: url }
    const { databaseUrls } = load(env)
    expect(new URL(databaseUrls?.orders ?? '').searchParams.get('options')).toBe('-c search_path=orders')
  })

  test('a password in a database URL is not repeated in a problem', () => {
    expect(problems({ ...development, IDENTITY_DATABASE_URL: 'mysql://u:hunter2@h/x' })).not.toContain('hunter2')
  })
})
