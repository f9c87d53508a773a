import { expect, test } from 'vitest'
import { testClient } from '../../../tests/support/identity-service.ts'
import { refuse } from './errors.ts'
import { type Observation, observed } from './observations.ts'
import type { AccountView, Client } from './policy.ts'

const account = { id: 'somebody' } as AccountView

/** What is told when a use case comes to `result`, or fails with what it throws. */
async function toldOf(useCase: () => Promise<AccountView>): Promise<Observation[]> {
  const told: Observation[] = []
  const run = observed(
    (one) => told.push(one),
    'login',
    async (_input: string, _client: Client) => useCase(),
    (result) => result,
  )
  await run('input', testClient).catch(() => undefined)
  return told
}

test('a success is told once, with whom it concerned and how long it took', async () => {
  const told = await toldOf(async () => account)
  expect(told).toEqual([
    { contract: 'test', action: 'login', outcome: 'success', account, seconds: expect.any(Number) },
  ])
  expect(told[0]?.seconds).toBeGreaterThanOrEqual(0)
  expect(told[0]?.seconds).toBeLessThan(5)
})

test.each([
  ['its code', refuse('identity.invalid_credentials'), 'identity.invalid_credentials'],
  ['a failure, without its text', new Error('a secret'), 'failure'],
])('what is thrown is told as %s, and thrown on', async (_what, error, outcome) => {
  const told = await toldOf(() => Promise.reject(error))
  expect(told).toMatchObject([{ outcome, account: undefined }])
  expect(JSON.stringify(told)).not.toContain('a secret')
  const run = observed(
    () => undefined,
    'login',
    (_client: Client) => Promise.reject(error),
  )
  await expect(run(testClient)).rejects.toBe(error)
})
