import { describe, expect, test } from 'vitest'
import { contracts } from '../contracts/registry.ts'
import { followersIn, planOf, topologies, usualPort } from './topologies.ts'

test.each([
  [['nonsense']],
  [['shop/nonsense']],
  [['all/gateway']],
  [['shop', 'all']],
  [['identity', 'nonsense']],
  [['shop/auth-service/x']],
  [['clients/auth-service']],
])('%j is refused with the names there are', (words) => {
  expect(() => planOf(words)).toThrow(
    /all, shop, clients, helpdesk, tenants, portal[\s\S]*shop\/auth-service[\s\S]*tenants\/user-service[\s\S]*gateway, identity, profiles, orders/,
  )
})

test('the default is everything', () => {
  expect(planOf([])).toEqual(planOf(['all']))
  expect(planOf([])).toMatchObject({ label: 'all', services: ['identity', 'profiles', 'orders'], distributed: false })
})

test.each([
  ['shop', ['api-gateway 8000', 'auth-service 8001', 'user-service 8002', 'orders-service 8003']],
  ['clients', ['clients-service 3001']],
  ['helpdesk', ['auth-service 3001', 'user-service 3002']],
  ['tenants', ['user-service 5000']],
  ['portal', ['rncp-api-gateway 3001', 'rncp-user-service 3002']],
])('%s has its documented ports, and one contract', (name, listeners) => {
  const plan = planOf([name])
  expect(plan.listeners.map((unit) => `${unit.name} ${unit.port}`)).toEqual(listeners)
  expect(plan.contracts).toEqual([name])
})

test('roles share a process, and the rest is elsewhere', () => {
  const plan = planOf(['identity', 'profiles'])
  expect(plan).toMatchObject({ services: ['identity', 'profiles'], distributed: true, topology: 'all' })
  expect(plan.listeners).toHaveLength(1)
})

test.each(Object.values(contracts))('the units of $name run what its routes belong to', ({ routes, deployment }) => {
  const run = deployment.units.flatMap(({ services }) => services)
  expect(run.sort()).toEqual([...new Set(routes.map(({ service }) => service))].sort())
})

describe('who follows events', () => {
  test.each([
    ['all', ['profiles', 'orders']],
    ['shop', ['profiles', 'orders']],
    ['shop/api-gateway', ['profiles', 'orders']],
    ['shop/auth-service', ['profiles', 'orders']],
    ['identity', ['profiles', 'orders']],
    ['gateway', ['profiles', 'orders']],
    ['clients', []],
    ['clients/clients-service', []],
    ['helpdesk', ['profiles']],
    ['helpdesk/user-service', ['profiles']],
    ['tenants', []],
    ['portal', ['profiles']],
    ['portal/rncp-api-gateway', ['profiles']],
  ])('with %s: %j', (word, followers) => {
    expect(followersIn(planOf([word]))).toEqual(followers)
  })

  test('every follower runs in some unit of the topology', () => {
    for (const { name, deployment } of topologies) {
      const run = deployment.units.flatMap(({ services }) => services)
      expect(followersIn(planOf([name])).filter((service) => !run.includes(service))).toEqual([])
    }
  })
})

test('a service is looked for where its unit of the topology listens, or else its role', () => {
  expect(usualPort(planOf(['shop']).deployment, 'identity')).toBe(8001)
  expect(usualPort(planOf(['helpdesk']).deployment, 'identity')).toBe(3001)
  expect(usualPort(planOf(['portal']).deployment, 'profiles')).toBe(3002)
  expect(usualPort(planOf(['all']).deployment, 'orders')).toBe(8003)
  expect(usualPort(planOf(['clients']).deployment, 'profiles')).toBe(8002)
})
