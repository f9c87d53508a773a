import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'

const service = identityService('choose_password')
const rows = identityRows(service)
const password = 'correct horse'
const context = contextOf(realmWith('lenient', { password: { minLength: 8 } }))
const strict = contextOf(realmWith('strict', { password: { minLength: 12, kinds: 3 } }))
const closed = contextOf(realmWith('closed', { joining: 'closed' }))

let people = 0
async function register(input: { secondFactor?: boolean } = {}) {
  people += 1
  const username = `person${people}`
  const email = `${username}@example.org`
  const { account } = await service.identity.createAccount(
    { username, email, password, emailVerified: true, ...input },
    context,
  )
  return { id: account.id, username, email }
}
const choose = (identifier: string, by = context, given = password) =>
  service.identity.choosePassword({ identifier, password: given }, by)
const signIn = (identifier: string, given: string, by = context) =>
  errorCodeOf(service.identity.login({ identifier, password: given }, by))
async function ticketOf(identifier: string, by = context): Promise<string> {
  const shown = await choose(identifier, by)
  if (shown.kind !== 'ticket') throw new Error('no code is asked for')
  return shown.token
}

describe('whoever knows the present password', () => {
  test('chooses another one, without a session', async () => {
    const { id, username } = await register()
    const token = await ticketOf(username)
    expect(await rows.openSessions(id)).toBe(0)
    await service.identity.resetPassword({ token, password: 'another horse' }, context)
    expect(await signIn(username, password)).toBe('identity.invalid_credentials')
    expect(await signIn(username, 'another horse')).toBeUndefined()
    const again = service.identity.resetPassword({ token, password: 'a third horse' }, context)
    expect(await errorCodeOf(again), 'a ticket works once').toBe('identity.invalid_link')
  })

  test('proves no address by that', async () => {
    const { id, username } = await register()
    await service.database.run(sql`UPDATE accounts SET email_verified_at = NULL WHERE id = ${id}`)
    await service.identity.resetPassword({ token: await ticketOf(username), password: 'another horse' }, context)
    expect((await service.identity.accounts.find(id, context)).emailVerified).toBe(false)
  })

  test('is asked for the code too, where the account has a second factor', async () => {
    const { username } = await register({ secondFactor: true })
    const asked = await choose(username)
    if (asked.kind !== 'second_factor') throw new Error('a code is asked for')
    const { sessionToken, code = '' } = asked.challenge
    const byCode = (given: string) => service.identity.choosePasswordByCode({ sessionToken, code: given }, context)
    expect(await errorCodeOf(byCode('000000'))).toBe('identity.invalid_code')
    const shown = await byCode(code)
    if (shown.kind !== 'ticket') throw new Error('the code is enough')
    expect(await errorCodeOf(byCode(code)), 'a code works once').toBe('identity.invalid_code')
    await service.identity.resetPassword({ token: shown.token, password: 'another horse' }, context)
    const begun = await service.identity.login({ identifier: username, password: 'another horse' }, context)
    expect(begun.kind).toBe('second_factor')
  })

  test('loses the ticket by any change of the account in between', async () => {
    const { id, username } = await register()
    const overtaken = rows.overtaking(
      id,
      () => choose(username),
      (tx) => tx.run(sql`UPDATE accounts SET revision = revision + 1 WHERE id = ${id}`),
    )
    // The ticket is a row that refers to the account, and so waits for its lock.
    expect(['identity.invalid_credentials', undefined]).toContain(await errorCodeOf(overtaken))
  })
})

test('a wrong password is counted and locked as a sign-in is', async () => {
  const { username } = await register()
  const { failures } = context.realm.policy.lockout
  for (let turn = 0; turn < failures; turn += 1)
    expect(await errorCodeOf(choose(username, context, 'wrong horse'))).toBe('identity.invalid_credentials')
  expect(await errorCodeOf(choose(username))).toBe('identity.invalid_credentials')
  expect(await signIn(username, password)).toBe('identity.invalid_credentials')
})

describe('a password that was set in another realm', () => {
  const refused = 'identity.must_change_password'

  test('and does not satisfy this one’s rule signs nobody in here, member or not, and says where to change it', async () => {
    const { id, username } = await register()
    for (const _turn of [1, 2]) {
      const attempt = service.identity.login({ identifier: username, password }, strict)
      await expect(attempt).rejects.toMatchObject({ code: refused, details: { changePasswordAt: '/password' } })
    }
    expect(await rows.openSessions(id)).toBe(0)
    expect(await signIn(username, password), 'where it was set it is good').toBeUndefined()
    const token = await ticketOf(username, strict)
    const weak = service.identity.resetPassword({ token, password: 'another horse' }, strict)
    expect(await errorCodeOf(weak)).toBe('identity.password_too_simple')
    await service.identity.resetPassword({ token, password: 'Another horse 7' }, strict)
    expect(await signIn(username, 'Another horse 7', strict)).toBeUndefined()
    expect(await signIn(username, 'Another horse 7')).toBeUndefined()
  })

  test('and does not satisfy it is not told to who has it wrong', async () => {
    const { username } = await register()
    expect(await signIn(username, 'wrong horse', strict)).toBe('identity.invalid_credentials')
  })

  test('is good where it satisfies the rule, and where nobody knows whose rule it was held to', async () => {
    const { id, username } = await register()
    expect(await signIn(username, password, contextOf(realmWith('other', {})))).toBeUndefined()
    await service.database.run(sql`UPDATE accounts SET password_realm = NULL WHERE id = ${id}`)
    expect(await signIn(username, password, strict)).toBeUndefined()
  })

  test('opens nothing in a realm that nobody joins by signing in', async () => {
    const { username } = await register()
    expect(await errorCodeOf(choose(username, closed))).toBe('identity.invalid_credentials')
  })
})

test.each([
  ['to choose another', (identifier: string, given: string) => choose(identifier, context, given)],
  [
    'in a realm that wants a better one',
    (identifier: string, given: string) => service.identity.login({ identifier, password: given }, strict),
  ],
])('of many guesses sent at once %s the right one is refused too', async (_where, guess) => {
  const { username } = await register()
  const guesses = [...Array.from({ length: 20 }, (_, turn) => `wrong horse ${turn}`), password]
  const answers = await Promise.all(guesses.map((given) => errorCodeOf(guess(username, given))))
  expect(answers).toEqual(guesses.map(() => 'identity.invalid_credentials'))
})
