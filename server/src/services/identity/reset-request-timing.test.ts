import { expect, test } from 'vitest'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'

const service = identityService('reset_timing')
const context = contextOf(realmWith('resetting', { identifier: 'email', verifiedEmail: 'mailed' }))

/** Timers may be a little early by this clock. */
const least = 195
const most = 1_000

async function durationsOf(email: string): Promise<number[]> {
  const durations: number[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const began = performance.now()
    await service.identity.requestPasswordReset({ email }, context)
    durations.push(performance.now() - began)
  }
  return durations
}

test('a request for a link takes 200 ms at least, whether somebody has the address or nobody', async () => {
  const email = 'known@example.org'
  await service.identity.createAccount({ email, emailVerified: true }, context)
  for (const address of [email, 'unknown@example.org']) {
    const durations = await durationsOf(address)
    for (const duration of durations) expect(duration, address).toBeGreaterThanOrEqual(least)
    // A busy machine spoils some of them, a real difference shows in all.
    expect(Math.min(...durations), address).toBeLessThan(most)
  }
})
