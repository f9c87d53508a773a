import { describe, expect, test } from 'vitest'
import { claimsOf, errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { systemClock } from '../../platform/clock.ts'
import { sql } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'

const day = 24 * 3600
const minute = 60

/** Seconds that identity's clock is behind. */
let behind = 0
const clock = { now: () => systemClock.now() - behind * 1000 }
const service = identityService('lifetimes', { clock })
const rows = identityRows(service)
const password = 'correct horse'

const context = contextOf(
  realmWith('lifetimes', {
    identifier: 'email',
    verifiedEmail: 'mailed',
    accessTtl: 600,
    refreshTtl: 7 * day,
    resetTtl: 20 * minute,
    lockout: { failures: 2, seconds: 15 * minute },
  }),
)
const asking = contextOf(realmWith('asking', { secondFactor: 'always', lockout: { failures: 1000, seconds: 900 } }))

/** Does something as it was done so many seconds ago. */
async function ago<Result>(seconds: number, work: () => Promise<Result>): Promise<Result> {
  behind = seconds
  try {
    return await work()
  } finally {
    behind = 0
  }
}

async function register(
  input: { emailVerified?: boolean; quietly?: boolean } = { emailVerified: true, quietly: true },
) {
  const username = newId()
  const email = `${username}@example.org`
  const made = await service.identity.createAccount({ username, email, password, ...input }, context)
  return { id: made.account.id, username, email, token: made.verificationToken ?? '' }
}
async function signIn(email: string, by: RequestContext = context) {
  const result = await service.identity.login({ identifier: email, password }, by)
  if (result.kind !== 'session') throw new Error('no second factor is asked')
  return result.session
}
const stranger = (by = asking): RequestContext => ({ ...by, device: newId(), ipPrefix: newId() })

/** What is made so many seconds ago, and used now. */
const lifetimes: Record<string, { seconds: number; make(seconds: number): Promise<() => Promise<unknown>> }> = {
  'a link that proves the address of a new account': {
    seconds: day,
    async make(seconds) {
      const { token } = await ago(seconds, () => register({}))
      return () => service.identity.verifyEmail({ token }, context)
    },
  },
  'a link that proves an address, mailed again': {
    seconds: day,
    async make(seconds) {
      const { id } = await register({})
      const { verificationToken = '' } = await ago(seconds, () => service.identity.resendVerification(id, context))
      return () => service.identity.verifyEmail({ token: verificationToken }, context)
    },
  },
  'a link to another address': {
    seconds: day,
    async make(seconds) {
      const { id } = await register()
      const email = `${newId()}@example.org`
      await ago(seconds, () => service.identity.proposeEmail(id, email, context))
      const link = await service.database.one(
        sql<{ id: string }>`SELECT id FROM verification_tokens WHERE account_id = ${id} AND email = ${email}`,
      )
      const token = service.identity.secrets.tokenOf(link.id)
      return () => service.identity.confirmAddress({ token, password }, context)
    },
  },
  'a link that resets a password': {
    seconds: 20 * minute,
    async make(seconds) {
      const { email } = await register()
      const { resetToken = '' } = await ago(seconds, () => service.identity.requestPasswordReset({ email }, context))
      return () => service.identity.resetPassword({ token: resetToken, password: 'another horse' }, context)
    },
  },
  'a code': {
    seconds: 5 * minute,
    async make(seconds) {
      const { username } = await register()
      const result = await ago(seconds, () => service.identity.login({ identifier: username, password }, asking))
      if (result.kind !== 'second_factor') throw new Error('a second factor is asked of everybody')
      const { sessionToken, code = '' } = result.challenge
      return () => service.identity.verifySecondFactor({ sessionToken, code }, asking)
    },
  },
  'a refresh token': {
    seconds: 7 * day,
    async make(seconds) {
      const { email } = await register()
      const { refreshToken } = await ago(seconds, () => signIn(email))
      return () => service.identity.refresh(refreshToken, context)
    },
  },
  'a refresh token that replaced another': {
    seconds: 7 * day,
    async make(seconds) {
      const { email } = await register()
      const { refreshToken: first } = await signIn(email)
      const { refreshToken } = await ago(seconds, () => service.identity.refresh(first, context))
      return () => service.identity.refresh(refreshToken, context)
    },
  },
  'a refresh token that was just replaced': {
    seconds: 30,
    async make(seconds) {
      const { email } = await register()
      const { id, refreshToken } = await signIn(email)
      await service.identity.refresh(refreshToken, context)
      await service.database.run(sql`
        UPDATE refresh_tokens SET replaced_at = replaced_at - make_interval(secs => ${seconds}) WHERE session_id = ${id}`)
      return () => service.identity.refresh(refreshToken, context)
    },
  },
}

// Good a while before its end, as slow as this machine may be, and not a second after it.
describe.each(Object.entries(lifetimes))('%s', (_what, { seconds, make }) => {
  test('is good until its time is over', async () => {
    const use = await make(seconds - Math.min(20, seconds / 2))
    expect(await errorCodeOf(use())).toBeUndefined()
  })

  test('is refused from then on', async () => {
    const use = await make(seconds + 1)
    expect(await errorCodeOf(use())).toMatch(/^identity\.(invalid|link)_/)
  })
})

test('an access token, its revocation and what is said of them end when the policy says', async () => {
  const at = systemClock.now()
  const { id, email } = await register()
  const session = await ago(100, () => signIn(email))
  const { iat, exp } = claimsOf(session)
  expect(exp - iat).toBe(600)
  const issued = [
    iat * 1000,
    session.accessExpiresAt.getTime() - 600_000,
    session.refreshExpiresAt.getTime() - 7 * day * 1000,
  ]
  await ago(100, () => service.identity.logoutEverywhere(id, {}, context))
  // The longest-lived token of any contract, and a minute for clocks that differ.
  const { until } = await service.database.one(
    sql<{ until: Date }>`SELECT until FROM revocations WHERE session_id = ${session.id}`,
  )
  for (const moment of [...issued, until.getTime() - 3660_000]) {
    expect(moment).toBeGreaterThanOrEqual(at - 101_000)
    expect(moment).toBeLessThanOrEqual(systemClock.now() - 99_000)
  }
})

describe('a lock', () => {
  const pass = (accountId: string, seconds: number) =>
    service.database.run(sql`
      UPDATE sign_in_counters SET locked_until = locked_until - make_interval(secs => ${seconds}),
             expires_at = expires_at - make_interval(secs => ${seconds}) WHERE account_id = ${accountId}`)

  test.each([
    [15 * minute - 20, 'identity.invalid_credentials'],
    [15 * minute + 1, undefined],
  ])('by wrong passwords, %i seconds later', async (seconds, domainError) => {
    const { id, email } = await register()
    const by = stranger(context)
    for (let turn = 0; turn < 2; turn += 1)
      await errorCodeOf(service.identity.login({ identifier: email, password: 'wrong horse' }, by))
    await pass(id, seconds)
    expect(await errorCodeOf(signIn(email, by))).toBe(domainError)
  })

  test.each([
    [day - 20, 'identity.invalid_credentials'],
    [day + 1, undefined],
  ])('by wrong codes, %i seconds later', async (seconds, domainError) => {
    const { id, username } = await register()
    const begin = () => service.identity.login({ identifier: username, password }, stranger())
    for (let turn = 0; turn < 10; turn += 1) {
      const result = await begin()
      if (result.kind !== 'second_factor') throw new Error('a second factor is asked of everybody')
      const { sessionToken, code } = result.challenge
      const wrong = code === '999999' ? '100000' : '999999'
      await errorCodeOf(service.identity.verifySecondFactor({ sessionToken, code: wrong }, asking))
    }
    await pass(id, seconds)
    expect(await errorCodeOf(begin())).toBe(domainError)
  })
})

test.each([
  ['prove an address', 3, {}, (id: string) => service.identity.resendVerification(id, context)],
  [
    'reset a password',
    5,
    { emailVerified: true },
    (_id: string, email: string) => service.identity.requestPasswordReset({ email }, context),
  ],
])('links to %s are %i in an hour, and as many in the next', async (_what, perHour, state, ask) => {
  const { id, email } = await register({ ...state, quietly: true })
  const mailed = () =>
    service.database.many(sql`
    SELECT id FROM verification_tokens WHERE account_id = ${id} AND created_at > now() - interval '30 minutes'`)
  for (let hour = 0; hour < 2; hour += 1) {
    for (let turn = 0; turn <= perHour; turn += 1) await errorCodeOf(ask(id, email))
    expect(await mailed()).toHaveLength(perHour)
    await rows.age(id, 1)
  }
})
