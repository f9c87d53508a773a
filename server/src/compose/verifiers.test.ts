import { expect, test } from 'vitest'
import { forgeToken } from '../../tests/support/tokens.ts'
import type { Plan } from '../config/topologies.ts'
import type { Contract } from '../contracts/_kit/contract.ts'
import { createLifecycle } from '../platform/lifecycle.ts'
import { silentLogger } from '../platform/log.ts'
import { someClaims } from '../platform/testing/token-cache.conformance.ts'
import type { RevocationList } from '../platform/tokens/revocation-list.ts'
import type { AppContext } from './app-context.ts'
import type { IdentityParts } from './identity.ts'
import { verifiers } from './verifiers.ts'

const revocations = { check: () => 'live', following: () => true } as unknown as RevocationList
const claimsFor = (aud: string) => someClaims({ aud, iat: 1, exp: 9_999_999_999 })
const signed = (aud: string, secret: string) => forgeToken({ alg: 'HS256', typ: 'JWT' }, claimsFor(aud), secret)

/** The verifiers of a unit that serves `asks`, whose tokens its authority vouches for, and `checks`. */
function unit(options: { topology: string; identityHere?: boolean }) {
  const opened: unknown[] = []
  const asked: string[] = []
  const ended: string[] = []
  const open = (given: unknown) => {
    opened.push(given)
    const ask = async (token: string) => {
      asked.push(token)
      return claimsFor('whatever it says')
    }
    return { ask, close: async () => void ended.push('authority') }
  }
  const contractOf = (name: string, deployment: object) => ({ name, deployment }) as unknown as Contract
  const contracts = {
    asks: contractOf('asks', { introspection: { open, cachePrefix: 'p:' } }),
    checks: contractOf('checks', {}),
  }
  const life = createLifecycle(silentLogger())
  const appContext = {
    config: {
      serviceUrls: { identity: 'http://identity:1', profiles: 'http://profiles:1', orders: 'http://orders:1' },
      upstreamTimeoutMs: 70,
      contractSecrets: { asks: 'a'.repeat(32), checks: 'c'.repeat(32) },
    },
    plan: { topology: options.topology, contracts: Object.keys(contracts) } as unknown as Plan,
    contracts,
    internalToken: 'internal',
    life,
  } as unknown as AppContext & { plan: Plan }
  const identity = {
    service: options.identityHere ? { keys: { jwks: () => ({ keys: [] }) } } : undefined,
    port: { jwks: async () => ({ keys: [] }), isTokenActive: async () => true },
  } as unknown as IdentityParts
  return { verifierOf: verifiers(appContext, { identity, revocations }), contracts, opened, asked, ended, life }
}

test('a unit without identity, of the topology whose contract says so, asks the authority', async () => {
  const { verifierOf, contracts, opened, asked, ended, life } = unit({ topology: 'asks' })
  expect(opened).toEqual([{ url: 'http://identity:1', timeoutMs: 70, serviceToken: 'internal' }])
  const token = signed('asks', 'not our secret')
  await verifierOf(contracts.asks).verify(token)
  expect(asked).toEqual([token])
  expect(verifierOf(contracts.asks)).toBe(verifierOf(contracts.asks))
  await life.stop()
  expect(ended).toEqual(['authority'])
})

test.each([
  ['with identity here', { topology: 'asks', identityHere: true }, 'asks'],
  ['in another topology', { topology: 'all' }, 'asks'],
  ['of a contract that says nothing of it', { topology: 'checks' }, 'checks'],
] as const)('%s, tokens are checked by their own contract and its own secret', async (_what, options, name) => {
  const { verifierOf, contracts, opened } = unit(options)
  const verifier = verifierOf(contracts[name])
  const other = name === 'asks' ? 'checks' : 'asks'
  const [own, others] = [name, other].map((one) => one.charAt(0).repeat(32)) as [string, string]
  expect(await verifier.verify(signed(name, own))).toMatchObject({ aud: name })
  for (const token of [signed(other, own), signed(name, others)])
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'edge.invalid_token' })
  expect(opened).toEqual([])
})
