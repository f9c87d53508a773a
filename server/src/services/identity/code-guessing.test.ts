import { expect, test } from 'vitest'
import { errorCodeOf, identityRows } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { codeLockout } from './limits.ts'

const service = identityService('code_guessing')
const rows = identityRows(service)
const password = 'correct horse'

// Passwords lock far later than codes, so that nothing but codes locks here.
const policy = { secondFactor: 'always', lockout: { failures: 1000, seconds: 900 } } as const
const [here, there] = [realmWith('here', policy), realmWith('there', policy)]

let machines = 0
/** A client of either contract, on a device and a network that nobody has signed in from. */
function stranger(realm = machines % 2 ? here : there): RequestContext {
  machines += 1
  const ipPrefix = `198.51.100.${machines}`
  return contextOf(realm, { device: newId(), ipPrefix, ip: ipPrefix })
}

let people = 0
async function register() {
  people += 1
  const username = `person${people}`
  const given = { username, email: `${username}@example.org`, password, emailVerified: true, quietly: true }
  const { account } = await service.identity.createAccount(given, contextOf(here))
  return { id: account.id, username }
}
async function begin(username: string, context: RequestContext) {
  const result = await service.identity.login({ identifier: username, password }, context)
  if (result.kind !== 'second_factor') throw new Error('a second factor is asked of everybody')
  const { sessionToken, code = '' } = result.challenge
  return { sessionToken, code, wrong: code === '999999' ? '100000' : '999999' }
}
const verify = (sessionToken: string, code: string, context: RequestContext) =>
  service.identity.verifySecondFactor({ sessionToken, code }, context)
async function signIn(username: string, context: RequestContext) {
  const { sessionToken, code } = await begin(username, context)
  return verify(sessionToken, code, context)
}
/** A sign-in with the right password and so many wrong codes. */
async function guess(username: string, context: RequestContext, codes = 1) {
  const { sessionToken, wrong } = await begin(username, context)
  for (let turn = 0; turn < codes; turn += 1)
    expect(await errorCodeOf(verify(sessionToken, wrong, context))).toBe('identity.invalid_code')
}

test('ten sign-ins with wrong codes, in two contracts together, end the codes for strangers in both', async () => {
  const { id, username } = await register()
  const home = stranger(here)
  await signIn(username, home)
  for (let turn = 0; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
  const before = (await rows.mails(id)).filter((kind) => kind === 'mfa_code').length
  for (const realm of [here, there])
    expect(await errorCodeOf(begin(username, stranger(realm)))).toBe('identity.invalid_credentials')
  expect(
    (await rows.mails(id)).filter((kind) => kind === 'mfa_code'),
    'no code is mailed',
  ).toHaveLength(before)
})

test('nine do not, however many codes each of them had', async () => {
  const { username } = await register()
  for (let turn = 1; turn < codeLockout.failures; turn += 1) await guess(username, stranger(), 3)
  expect(await errorCodeOf(begin(username, stranger()))).toBeUndefined()
})

test('a known device still gets its code and signs in, in either contract, and that forgets the count', async () => {
  const { username } = await register()
  const home = stranger(here)
  await signIn(username, home)
  for (let turn = 0; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
  expect(await errorCodeOf(begin(username, stranger()))).toBe('identity.invalid_credentials')
  expect(await errorCodeOf(signIn(username, { ...home, realm: there }))).toBeUndefined()
  expect(await errorCodeOf(begin(username, stranger()))).toBeUndefined()
  for (let turn = 1; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
  expect(await errorCodeOf(begin(username, stranger())), 'counted from the start').toBeUndefined()
})

test('a network that the account was signed in from gets none: others share it', async () => {
  const { username } = await register()
  const home = stranger(here)
  await signIn(username, home)
  for (let turn = 0; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
  const neighbour = { ...stranger(here), ip: home.ip, ipPrefix: home.ipPrefix }
  expect(await errorCodeOf(begin(username, neighbour))).toBe('identity.invalid_credentials')
  const away = { ...stranger(here), device: home.device }
  expect(await errorCodeOf(begin(username, away)), 'the device with our cookie, wherever it is').toBeUndefined()
})

test('a right code of a stranger forgets the count too', async () => {
  const { username } = await register()
  for (let turn = 1; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
  await signIn(username, stranger())
  for (let turn = 1; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
  expect(await errorCodeOf(begin(username, stranger()))).toBeUndefined()
})

test('codes of one account say nothing of another one', async () => {
  const [guessed, other] = [await register(), await register()]
  for (let turn = 0; turn < codeLockout.failures; turn += 1) await guess(guessed.username, stranger())
  expect(await errorCodeOf(begin(guessed.username, stranger()))).toBe('identity.invalid_credentials')
  expect(await errorCodeOf(begin(other.username, stranger()))).toBeUndefined()
})

test('the owner is told once, and an operator of either contract lets unknown devices have codes again', async () => {
  for (const realm of [here, there]) {
    const { id, username } = await register()
    await signIn(username, stranger(there))
    for (let turn = 0; turn < codeLockout.failures; turn += 1) await guess(username, stranger())
    expect((await rows.mails(id)).filter((kind) => kind === 'codes_guessed')).toHaveLength(1)
    await service.identity.admin.unlock(username, realm)
    expect(await errorCodeOf(begin(username, stranger())), realm.name).toBeUndefined()
  }
})

test('a wrong code stands in the log once', async () => {
  const { id, username } = await register()
  await guess(username, stranger())
  const failed = (await rows.activities(id)).filter(({ action }) => action === 'login_failed')
  expect(failed).toHaveLength(1)
})
