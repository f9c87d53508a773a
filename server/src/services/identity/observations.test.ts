import { expect, test } from 'vitest'
import { testContext } from '../../../tests/support/identity-service.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { refuse } from './errors.ts'
import { type Observation, observed } from './observations.ts'

const account = { id: 'somebody' } as AccountView

/** What is told when a use case comes to `result`, or fails with what it throws. */
async function observationsOf(useCase: () => Promise<AccountView>): Promise<Observation[]> {
  const observations: Observation[] = []
  const run = observed(
    (one) => observations.push(one),
    'login',
    async (_input: string, _client: RequestContext) => useCase(),
    (result) => result,
  )
  await run('input', testContext).catch(() => undefined)
  return observations
}

test('a success is told once, with whom it concerned and how long it took', async () => {
  const observations = await observationsOf(async () => account)
  expect(observations).toEqual([
    { contract: 'test', action: 'login', outcome: 'success', account, seconds: expect.any(Number) },
  ])
  expect(observations[0]?.seconds).toBeGreaterThanOrEqual(0)
  expect(observations[0]?.seconds).toBeLessThan(5)
})

test.each([
  ['its code', refuse('identity.invalid_credentials'), 'identity.invalid_credentials'],
  ['a failure, without its text', new Error('a secret'), 'failure'],
])('what is thrown is told as %s, and thrown on', async (_what, error, outcome) => {
  const observations = await observationsOf(() => Promise.reject(error))
  expect(observations).toMatchObject([{ outcome, account: undefined }])
  expect(JSON.stringify(observations)).not.toContain('a secret')
  const run = observed(
    () => undefined,
    'login',
    (_client: RequestContext) => Promise.reject(error),
  )
  await expect(run(testContext)).rejects.toBe(error)
})
