import pg from 'pg'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { ContractName } from '../../../src/contracts/registry.ts'
import type { Journey, Somebody } from '../../support/journey.ts'
import { claimsOf } from '../../support/tokens.ts'
import { openJourneys } from './journeys.ts'

const arrangement = inject('arrangement')
let journeys: ReadonlyMap<ContractName, Journey>
const administrators = new Map<string, string>()
const people = new Map<string, Somebody>()

async function inIdentity<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: arrangement.postgresUrl.replace(/postgres$/, 'identity') })
  await client.connect()
  try {
    return (await client.query<Row>(text, [...values])).rows
  } finally {
    await client.end()
  }
}

/** All that a realm, or the account itself, could have of them. */
const standing = (uid: string) =>
  inIdentity(
    `SELECT a.email, a.username, a.password_hash, a.second_factor, a.version, m.realm, m.role, m.state, m.version AS member
       FROM accounts a JOIN memberships m ON m.account_id = a.id WHERE a.id = $1 ORDER BY m.realm`,
    [uid],
  )

beforeAll(async () => {
  journeys = await openJourneys(arrangement)
  for (const [name, { administrator, travel }] of journeys) {
    if (administrator) administrators.set(name, await administrator())
    const { uid } = claimsOf((await travel()).token)
    const [account] = await inIdentity<Somebody>('SELECT number::integer, email FROM accounts WHERE id = $1', [uid])
    people.set(name, { ...account!, uid })
  }
}, 60_000)

describe('an administrator', () => {
  test('of each realm neither sees nor touches a person of another one, and the person notices nothing', async () => {
    const reached: string[] = []
    for (const [name, token] of administrators) {
      const { administration } = journeys.get(name as ContractName)!
      if (!administration) continue
      for (const [theirs, person] of people) {
        if (theirs === name) continue
        const before = await standing(person.uid)
        for (const [what, status] of Object.entries(await administration.acts(token, person)))
          if (status !== 403 && status !== 404) reached.push(`${name} at ${theirs}: ${what} ${status}`)
        const lists = await administration.lists(token)
        if ([person.uid, person.email].some((one) => one && lists.includes(one)))
          reached.push(`${name} lists ${theirs}`)
        expect(await standing(person.uid), `${name} at ${theirs}`).toEqual(before)
      }
    }
    expect(reached).toEqual([])
    expect(administrators.size).toBeGreaterThan(1)
  })

  test('of each realm reaches the people of their own: what refuses strangers is no dead door', async () => {
    for (const [name, token] of administrators) {
      const { administration } = journeys.get(name as ContractName)!
      const person = people.get(name)
      if (!administration || !person) continue
      expect(
        Object.values(await administration.acts(token, person)).filter((status) => status < 300),
        name,
      ).not.toEqual([])
    }
  })
})
