import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { planOf } from './topologies.ts'

const listeners = (env: Environment, ...words: string[]) =>
  loadConfig({ GUICHET_DEV: 'true', ...env }, planOf(words)).listeners.map(
    ({ name, port, gateway, internal }) => `${name}:${port}${gateway ? ' gateway' : ''}${internal ? ' internal' : ''}`,
  )

test.each<[string[], string[]]>([
  [['all'], ['gateway:8000 gateway']],
  [['clients'], ['clients-service:3001']],
  [['gateway'], ['gateway:8000 gateway']],
  [['shop/api-gateway'], ['api-gateway:8000 gateway']],
  [['identity'], ['identity:8001 internal']],
  [['shop/auth-service'], ['auth-service:8001 internal']],
])('%j serves our own processes only where it is a unit: %j', (words, expected) => {
  expect(listeners({}, ...words)).toEqual(expected)
})

test('with GUICHET_INTERNAL_PORT they are served on that port only', () => {
  const env = { GUICHET_INTERNAL_PORT: '9000' }
  expect(listeners(env, 'identity')).toEqual(['identity:8001', 'internal:9000 internal'])
  expect(listeners(env, 'shop/api-gateway')).toEqual(['api-gateway:8000 gateway'])
  expect(listeners(env, 'all')).toEqual(['gateway:8000 gateway'])
  expect(listeners(env, 'gateway', 'identity')).toEqual(['gateway identity:8000 gateway', 'internal:9000 internal'])
  expect(() => listeners({ GUICHET_INTERNAL_PORT: '8001' }, 'identity')).toThrow('must be another port than 8001')
})

test('a gateway with identity needs that port, as long as other services run elsewhere', () => {
  expect(() => listeners({}, 'gateway', 'identity')).toThrow('GUICHET_INTERNAL_PORT is missing')
  expect(listeners({}, 'gateway', 'orders')).toEqual(['gateway orders:8000 gateway'])
  expect(listeners({}, 'gateway', 'identity', 'profiles', 'orders')).toHaveLength(1)
})
