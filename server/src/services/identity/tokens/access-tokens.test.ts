import { createDecoder, createVerifier } from 'fast-jwt'
import { describe, expect, test } from 'vitest'
import type { AccountView, Realm } from '../../realm/index.ts'
import { makeKey, openKey } from '../keys/rows.ts'
import { createTokens, type Subject } from './access-tokens.ts'

const clock = { now: () => 1_800_000_000_900 }
const wrapping = Buffer.alloc(32, 1)
const newKey = () => openKey(wrapping, makeKey(wrapping, { createdAt: new Date(0), activatesAt: new Date(0) }))

const account: AccountView = {
  id: '01900000-0000-7000-8000-00000000000a',
  number: 7,
  tenant: { id: '01900000-0000-7000-8000-000000000001', number: 1, name: 'main' },
  username: 'ada',
  email: 'ada@example.org',
  displayName: null,
  emailVerified: true,
  secondFactor: false,
  active: true,
  role: 'manager',
  locale: 'en',
  preferences: {},
  createdAt: new Date(0),
  updatedAt: new Date(0),
  lastLoginAt: null,
}
const subject: Subject = { account, sessionId: 'session', version: 3, amr: ['pwd', 'otp'] }

const realmNamed = (change: Partial<Realm> = {}): Realm => ({
  name: 'test',
  title: 'Test',
  policy: {
    identifier: 'username',
    verifiedEmail: 'never',
    secondFactor: 'enrolled',
    verificationEnrols: false,
    password: { minLength: 8 },
    lockout: { failures: 3, seconds: 900 },
    accessTtl: 900,
    refreshTtl: 86_400,
    sessionMax: 90 * 24 * 3600,
    resetTtl: 3600,
    tenant: { name: 'main' },
    roles: { person: 'user', permissions: {} },
    joining: 'open',
    firstBecomesAdministrator: false,
    locale: 'en',
  },
  claims: ({ username }) => ({ sub: username }),
  links: {
    resetPassword: () => '/reset',
    choosePassword: '/password',
    changeAddress: () => '/change',
    undoAddress: () => '/undo',
  },
  ...change,
})

function setUp(secret?: string) {
  const appContext = { key: newKey() }
  const tokens = createTokens({ keys: { current: () => appContext.key }, secretOf: () => secret, clock })
  return { appContext, issue: (realm = realmNamed()) => tokens.issue(subject, realm) }
}
const decode = createDecoder({ complete: true })

describe('the claims', () => {
  test('are the core’s and the contract’s', () => {
    const { payload } = decode(setUp().issue())
    expect(payload).toEqual({
      sub: 'ada',
      role: 'manager',
      sid: 'session',
      uid: account.id,
      tid: account.tenant.id,
      ver: 3,
      jti: expect.any(String),
      aud: 'test',
      amr: ['pwd', 'otp'],
      iat: 1_800_000_000,
      exp: 1_800_000_900,
    })
  })

  test('name every audience of the contract', () => {
    expect(decode(setUp().issue(realmNamed({ audience: ['test', 'test-app'] }))).payload.aud).toEqual([
      'test',
      'test-app',
    ])
  })

  test('have the contract’s own role, and none where it says so', () => {
    const roleOf = (role: unknown) => decode(setUp().issue(realmNamed({ claims: () => ({ role }) }))).payload
    expect(roleOf(['MANAGER']).role).toEqual(['MANAGER'])
    expect(roleOf(undefined)).not.toHaveProperty('role')
  })

  test('cannot be replaced by a contract where the core needs them', () => {
    const claims = () => ({ uid: 'somebody', sid: 'another', ver: 0, tid: 'elsewhere', aud: 'any', exp: 9_999_999_999 })
    const { payload } = decode(setUp().issue(realmNamed({ claims })))
    expect(payload).toMatchObject({ uid: account.id, sid: 'session', ver: 3, aud: 'test', exp: 1_800_000_900 })
  })
})

describe('the key', () => {
  test('is the current one at every token', () => {
    const { appContext, issue } = setUp()
    const { kid } = appContext.key
    expect([decode(issue()).header, decode(issue()).header]).toMatchObject([{ alg: 'ES256', kid }, { kid }])
    appContext.key = newKey()
    expect(decode(issue()).header.kid).toBe(appContext.key.kid)
  })

  test('is the contract’s secret when it has one, whatever the current key is', () => {
    const secret = 'a-shared-secret-of-forty-characters-0123'
    const { appContext, issue } = setUp(secret)
    const verify = createVerifier({ key: secret, algorithms: ['HS256'], ignoreExpiration: true })
    expect(verify(issue())).toMatchObject({ uid: account.id })
    appContext.key = newKey()
    expect(verify(issue())).toMatchObject({ uid: account.id })
    expect(decode(issue()).header).not.toHaveProperty('kid')
  })
})
