import { describe, expect, test } from 'vitest'
import { errorCodeOf, identityRows, tallyOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith, testRealm } from '../../../tests/support/identity-service.ts'
import type { IdempotencyKey } from '../../platform/db/idempotency.ts'
import { newId } from '../../platform/ids.ts'
import { sha256 } from '../../platform/secrets.ts'
import type { NewAccountInput } from './create-account.ts'

const service = identityService('create_account')
const rows = identityRows(service)
const password = 'correct horse'

const byName = contextOf(testRealm)
const byEmail = contextOf(realmWith('by-email', { identifier: 'email', verifiedEmail: 'mailed' }))
/** The same accounts, signed in to only once the address is proven. */
const proving = contextOf(realmWith('proving', { identifier: 'email', verifiedEmail: 'required' }))

const create = (input: NewAccountInput, context = byName, key?: IdempotencyKey) =>
  service.identity.createAccount(input, context, key)

let addresses = 0
const newAddress = () => {
  addresses += 1
  return `person${addresses}@example.org`
}

describe('the name of a new account', () => {
  test('is the e-mail address, trimmed and in lower case, when none is given', async () => {
    const { account, verificationToken } = await create({ email: '  Ada@Example.ORG ', password }, byEmail)
    expect(account).toMatchObject({
      username: 'ada@example.org',
      email: 'ada@example.org',
      emailVerified: false,
      role: 'user',
      active: true,
      tenant: { name: 'main' },
    })
    expect(verificationToken).toMatch(/^[\w-]{64}$/)
    expect(await rows.mails(account.id)).toEqual(['verify_email'])
  })

  test('is told to the other services with number, tenant and realm, and to the log', async () => {
    const names = { firstName: 'Grace', lastName: null }
    const { account } = await create({ username: 'grace', displayName: ' Grace H. ', names, role: 'admin', password })
    expect(await rows.events(account.id)).toEqual([
      {
        type: 'account.registered',
        sequence: 1,
        data: {
          number: account.number,
          tenant: 'main',
          username: 'grace',
          email: null,
          displayName: 'Grace H.',
        },
      },
      {
        type: 'membership.started',
        sequence: 2,
        data: {
          number: account.number,
          tenant: 'main',
          username: 'grace',
          email: null,
          displayName: 'Grace H.',
          realm: 'test',
          role: 'admin',
          origin: 'registered',
          since: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          names,
        },
      },
    ])
    expect(await rows.activities(account.id)).toEqual([{ action: 'register', details: {} }])
    expect(await rows.mails(account.id)).toEqual([])
  })

  test('is refused when an account has it, whatever the case', async () => {
    await create({ username: 'Linus' })
    expect(await errorCodeOf(create({ username: 'lINUS', password }))).toBe('identity.username_taken')
  })

  test('belongs to one of those who want it at once', async () => {
    const wanted = Array.from({ length: 8 }, (_, turn) => create({ username: turn % 2 ? 'MANY' : 'many' }))
    expect(await tallyOf(wanted)).toEqual({ success: 1, 'identity.username_taken': 7 })
  })

  test('is never given again once its account is deleted', async () => {
    const { account } = await create({ username: 'gone' })
    await service.identity.removeMember(account.id, byName)
    expect(await errorCodeOf(create({ username: 'Gone' }))).toBe('identity.username_taken')
    expect((await rows.events(account.id)).map(({ type }) => type)).toEqual([
      'account.registered',
      'membership.started',
      'membership.ended',
      'account.deleted',
    ])
  })

  test('is free again once its account is deleted, when it was but the address', async () => {
    const email = newAddress()
    const { account } = await create({ email, password }, byEmail)
    await service.identity.removeMember(account.id, byEmail)
    const again = await create({ email, password: 'another horse' }, byEmail)
    expect(again.account.id).not.toBe(account.id)
    expect(again.account.username).toBe(email)
  })

  test("is not somebody else's proven address, with an idempotency key or without", async () => {
    const email = newAddress()
    await create({ username: 'owner-of-it', email, emailVerified: true })
    const refused = ['identity.username_taken', 'identity.username_invalid']
    expect(refused).toContain(await errorCodeOf(create({ username: email.toUpperCase() })))
    const key = { accountId: newId(), route: 'POST /accounts', key: '1', requestHash: sha256(email) }
    expect(refused).toContain(await errorCodeOf(create({ username: email }, byName, key)))
    expect(await errorCodeOf(create({ email }, byEmail))).toBe('identity.username_taken')
    expect(await errorCodeOf(create({ email }, byEmail, key))).toBe('identity.username_taken')
  })

  test('may be an address that another account stated without proving it', async () => {
    const email = newAddress()
    await create({ username: 'claims-it', email })
    expect(await errorCodeOf(create({ email }, byEmail))).toBeUndefined()
  })
})

test('an address proven elsewhere cannot be vouched for a second time', async () => {
  const email = newAddress()
  await create({ email, emailVerified: true })
  expect(await errorCodeOf(create({ username: 'second-owner', email, emailVerified: true }))).toBe(
    'identity.username_taken',
  )
})

describe('what does not fit', () => {
  test('is listed together, the first as the code', async () => {
    const attempt = create({ username: 'a b', email: 'nowhere', password: 'short' })
    await expect(attempt).rejects.toMatchObject({
      code: 'identity.email_invalid',
      details: {
        problems: ['identity.email_invalid', 'identity.username_invalid', 'identity.password_too_short'],
      },
    })
  })

  test("stands beside what the contract finds by its own rules, and is found before the name's owner", async () => {
    await create({ username: 'known' })
    const attempt = create({ username: 'known', password: 'x', problems: ['identity.name_invalid'] })
    await expect(attempt).rejects.toMatchObject({
      details: { problems: ['identity.name_invalid', 'identity.password_too_short'] },
    })
  })

  test.each<[string, NewAccountInput, typeof byName, string]>([
    ['neither name nor address', { password }, byName, 'identity.username_invalid'],
    ['no address where one is needed', { username: 'somebody' }, byEmail, 'identity.email_invalid'],
    ['an address of two', { email: 'a@b@c' }, byName, 'identity.email_invalid'],
    ['a name of one letter', { username: 'a' }, byName, 'identity.username_invalid'],
    ['a name with a line break', { username: 'ab\ncd' }, byName, 'identity.username_invalid'],
    [
      'a password that is too long',
      { username: 'long', password: 'x'.repeat(257) },
      byName,
      'identity.password_too_long',
    ],
    ['a role the contract does not know', { username: 'king', role: 'king' }, byName, 'identity.unknown_role'],
    ['a role by the name of a method', { username: 'king', role: 'toString' }, byName, 'identity.unknown_role'],
  ])('%s', async (_what, input, context, code) => {
    expect(await errorCodeOf(create(input, context))).toBe(code)
  })
})

describe('an idempotency key', () => {
  const keyOf = (key: string, request: string): IdempotencyKey => ({
    accountId: '01900000-0000-7000-8000-00000000000a',
    route: 'POST /accounts',
    key,
    requestHash: sha256(request),
  })

  test('makes one account of requests that are sent again, even at once', async () => {
    const twice = () => create({ username: 'only-once', password }, byName, keyOf('one', 'only-once'))
    const [first, ...others] = await Promise.all([twice(), twice(), twice(), twice()])
    for (const { account } of [...others, await twice()]) expect(account.id).toBe(first?.account.id)
    expect(await rows.events(first?.account.id ?? '')).toHaveLength(2)
  })

  test('is refused with another request', async () => {
    await create({ username: 'keyed' }, byName, keyOf('two', 'keyed'))
    const other = create({ username: 'keyed-otherwise' }, byName, keyOf('two', 'keyed-otherwise'))
    expect(await errorCodeOf(other)).toBe('identity.idempotency_key_reused')
  })

  test('stays unused by what failed', async () => {
    await create({ username: 'in-the-way' })
    const key = keyOf('three', 'x')
    expect(await errorCodeOf(create({ username: 'in-the-way' }, byName, key))).toBe('identity.username_taken')
    expect(await errorCodeOf(create({ username: 'free-way' }, byName, key))).toBeUndefined()
  })
})

describe('an account that nobody proved or used', () => {
  const unproven = contextOf(realmWith('unproven', { identifier: 'email' }))
  const abandoned = async (hours: number, context = proving) => {
    const email = newAddress()
    const { account } = await create({ email, password: 'the password of a stranger' }, context)
    await rows.age(account.id, hours)
    return { id: account.id, email }
  }

  test('gives way after a day, when its link has expired, and takes its password with it', async () => {
    const { id, email } = await abandoned(25)
    const { account } = await create({ email, password }, proving)
    expect(account.id).not.toBe(id)
    expect(await rows.openSessions(id)).toBe(0)
    expect((await rows.events(id)).map(({ type }) => type)).toEqual([
      'account.registered',
      'membership.started',
      'account.deleted',
    ])
    const stale = service.identity.login({ identifier: email, password: 'the password of a stranger' }, proving)
    expect(await errorCodeOf(stale)).toBe('identity.invalid_credentials')
    expect(await errorCodeOf(service.identity.login({ identifier: email, password }, proving))).toBe(
      'identity.email_unverified',
    )
  })

  test('gives way to one of those who register at once', async () => {
    const { email } = await abandoned(25)
    const both = [1, 2, 3, 4].map(() => create({ email, password }, proving))
    expect(await tallyOf(both)).toEqual({ success: 1, 'identity.username_taken': 3 })
  })

  test('stays while it is fresh', async () => {
    const { email } = await abandoned(23)
    expect(await errorCodeOf(create({ email, password }, proving))).toBe('identity.username_taken')
  })

  test('stays while another link is good', async () => {
    const { id, email } = await abandoned(25)
    await service.identity.resendVerification(id, proving)
    expect(await errorCodeOf(create({ email, password }, proving))).toBe('identity.username_taken')
  })

  test('stays once its address is proven', async () => {
    const email = newAddress()
    const { account, verificationToken: token = '' } = await create({ email }, proving)
    await service.identity.verifyEmail({ token }, proving)
    await rows.age(account.id, 100)
    expect(await errorCodeOf(create({ email, password }, proving))).toBe('identity.username_taken')
  })

  test('gives way to a registration in another realm too', async () => {
    const { id, email } = await abandoned(25, unproven)
    const { account } = await create({ email, password }, proving)
    expect(account).toMatchObject({ username: email, email })
    expect(account.id).not.toBe(id)
    expect((await rows.events(id)).at(-1)?.type).toBe('account.deleted')
  })

  test('stays, with its password, once somebody signed in to it, or when an import made it', async () => {
    const { id, email } = await abandoned(100, unproven)
    const given = { identifier: email, password: 'the password of a stranger' }
    await service.identity.login(given, unproven)
    await errorCodeOf(create({ email, password }, proving))
    const result = await service.identity.login(given, unproven)
    expect(result).toMatchObject({ kind: 'session', session: { account: { id } } })

    const imports = service.identity.importAccounts(proving.realm)
    const imported = imports.read({ email: newAddress(), createdAt: '2020-01-01T00:00:00Z' })
    if (!('account' in imported)) throw new Error(imported.problem)
    await imports.write(async function* () {
      yield imported.account
    })
    const { username } = imported.account
    const owner = async () => (await service.identity.accounts.findByName(username, proving)).id
    const before = await owner()
    await errorCodeOf(create({ email: username, password }, proving))
    expect(await owner()).toBe(before)
  })
})

describe('the first administrator', () => {
  const policy = { firstBecomesAdministrator: true }

  test('is exactly one of those who register first at once, and nobody later', async () => {
    const first = contextOf(realmWith('first', policy))
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, turn) => create({ username: `first${turn}`, password }, first)),
    )
    expect(made.filter(({ account }) => account.role === 'admin')).toHaveLength(1)
    expect(made.filter(({ account }) => account.role === 'user')).toHaveLength(9)
    expect((await create({ username: 'first-late' }, first)).account.role).toBe('user')
  })

  test('is not made by a registration that is refused', async () => {
    const contract = contextOf(realmWith('first-again', policy))
    await create({ username: 'taken-before' })
    expect(await errorCodeOf(create({ username: 'taken-before' }, contract))).toBe('identity.username_taken')
    expect((await create({ username: 'the-real-first' }, contract)).account.role).toBe('admin')
  })

  test('administers one contract only', async () => {
    const contract = contextOf(realmWith('first-elsewhere', policy))
    const { account } = await create({ username: 'elsewhere', password }, contract)
    expect((await service.identity.accounts.find(account.id, contract)).role).toBe('admin')
    await service.identity.login({ identifier: 'elsewhere', password }, byName)
    expect((await service.identity.accounts.find(account.id, byName)).role).toBe('user')
  })
})

test('a name with half a surrogate pair is kept with a sign in its place', async () => {
  const { account } = await create({ username: 'half-a-pair', password, displayName: 'Ada \ud83d' })
  expect(account.displayName).toBe('Ada \ufffd')
})
