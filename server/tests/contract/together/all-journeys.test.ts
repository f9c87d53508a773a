import { request } from 'undici'
import { beforeAll, expect, inject, test } from 'vitest'
import { type ContractName, contractNames, contracts } from '../../../src/contracts/registry.ts'
import type { Traveller } from '../../support/journey.ts'
import { openJourneys } from './journeys.ts'

const arrangement = inject('arrangement')
const [home] = contractNames
let journeys: Awaited<ReturnType<typeof openJourneys>>
beforeAll(async () => {
  journeys = await openJourneys(arrangement)
})

/** One request for a contract's door; without a host it goes to the default one. */
async function knock(name: ContractName, host: string | undefined, headers: Record<string, string>): Promise<number> {
  const answer = await request(`${arrangement.urls.gateway}${journeys.get(name)?.door}`, {
    headers: { ...headers, ...(host !== undefined && { host }) },
  })
  await answer.body.dump()
  return answer.statusCode
}

/** Runs every journey so many times, all of them at once. */
const together = (times: number): Promise<(Traveller & { contract: ContractName })[]> =>
  Promise.all(
    [...journeys].flatMap(([contract, { travel }]) =>
      Array.from({ length: times }, async () => ({ contract, ...(await travel()) })),
    ),
  )

test('P-02 P-03 all journeys go on at once in one process, each by its path or host', { timeout: 60_000 }, async () => {
  const travellers = await together(4)
  expect(new Set(travellers.map(({ contract }) => contract))).toEqual(new Set(contractNames))
  expect(travellers).toHaveLength(4 * contractNames.length)
})

test('a token opens the door of its own contract and no other, on whichever host', { timeout: 60_000 }, async () => {
  const hosts = [undefined, ...contractNames.map((name) => `${name}.localhost`)]
  for (const { contract, token } of await together(1)) {
    for (const name of contractNames) {
      const ownHostOnly = contracts[name].hosting?.ownHostOnly === true
      for (const host of hosts) {
        const served = host === `${name}.localhost` || (host === undefined && !ownHostOnly)
        // Where several contracts have a route at one path, the host's own knows its people, and says what is wrong.
        const atHome = host === `${contract}.localhost` || (host === undefined && contract === home)
        const status = await knock(name, host, { authorization: `Bearer ${token}` })
        const wanted = name === contract && served ? [200] : atHome ? [400, 401, 403, 404] : [401, 404]
        expect(wanted, `${contract}'s token at ${host ?? 'the default host'} of ${name}: ${status}`).toContain(status)
      }
    }
  }
})

test('cookies of one contract open nothing of another, and another’s beside its own do no harm', async () => {
  const travellers = await together(1)
  const cookies = contractNames.flatMap((name) => contracts[name].browser?.accessCookie ?? [])
  expect(cookies.length).toBeGreaterThan(0)
  for (const cookie of cookies) {
    for (const { contract, token } of travellers) {
      const own = contracts[contract].browser?.accessCookie === cookie
      const host = `${contract}.localhost`
      expect(await knock(contract, host, { cookie: `${cookie}=${token}` }), contract).toBe(own ? 200 : 401)
      for (const other of travellers.filter((one) => own && one.contract !== contract)) {
        expect(await knock(contract, host, { cookie: `${cookie}=${other.token}` }), other.contract).toBe(401)
        const both = `${cookie}=${other.token}; ${cookie}=${token}`
        expect(await knock(contract, host, { cookie: both }), other.contract).toBe(200)
      }
    }
  }
})

test('a refresh token of one contract is nothing to another, and stays good for its own', async () => {
  const travellers = await together(1)
  const renewable = travellers.flatMap(({ contract, refreshToken = '' }) =>
    refreshToken ? { contract, refreshToken } : [],
  )
  expect(renewable.length).toBeGreaterThan(1)
  for (const [name, { renew }] of journeys) {
    for (const { contract, refreshToken } of renewable.filter((one) => renew && one.contract !== name)) {
      expect(await renew?.(refreshToken), `${contract}'s at ${name}`).toBe(401)
    }
  }
  for (const { contract, refreshToken } of renewable) {
    expect(await journeys.get(contract)?.renew?.(refreshToken), contract).toBe(200)
  }
})
