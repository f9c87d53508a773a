import { afterAll, beforeAll } from 'vitest'
import { type Clock, systemClock } from '../../src/platform/clock.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { openNotices, type ServerNotices } from '../../src/platform/db/notices/index.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { deriveFrom } from '../../src/platform/secrets.ts'
import { type Identity, openIdentity } from '../../src/services/identity/index.ts'
import type { Realm, RequestContext } from '../../src/services/realm/index.ts'
import { freshDatabase } from './test-databases.ts'

/** A contract as identity sees one, with a lockout that a test can reach. */
export const testRealm: Realm = {
  name: 'test',
  title: 'Test',
  policy: {
    identifier: 'username',
    verifiedEmail: 'never',
    secondFactor: 'enrolled',
    verificationEnrols: false,
    password: { minLength: 8 },
    lockout: { failures: 3, seconds: 900 },
    accessTtl: 3600,
    refreshTtl: 86_400,
    sessionMax: 90 * 24 * 3600,
    resetTtl: 900,
    tenant: { name: 'main' },
    roles: {
      person: 'user',
      administrator: 'admin',
      permissions: { user: [], admin: ['accounts:read', 'accounts:manage', 'roles:grant'] },
    },
    joining: 'open',
    firstBecomesAdministrator: false,
    locale: 'en',
  },
  claims: ({ username }) => ({ sub: username }),
  links: {
    resetPassword: ({ token }) => `/reset?token=${token}`,
    choosePassword: '/password',
    changeAddress: ({ token }) => `/change?token=${token}`,
    undoAddress: ({ token }) => `/undo?token=${token}`,
  },
}

/** The same with another policy, under a name of its own. */
export const realmWith = (name: string, policy: Partial<Realm['policy']>): Realm => ({
  ...testRealm,
  name,
  policy: { ...testRealm.policy, ...policy },
})

export const contextOf = (realm: Realm, from: Partial<RequestContext> = {}): RequestContext => ({
  realm,
  ip: '127.0.0.1',
  ipPrefix: '127.0.0.1',
  device: 'a-device-of-the-tests',
  userAgent: 'test',
  locale: undefined,
  claims: undefined,
  bearer: undefined,
  service: false,
  ...from,
})

export const testContext: RequestContext = contextOf(testRealm)

/** Identity on a database of its own, for the file that calls it while tests are collected. */
export function identityService(
  name: string,
  { clock = systemClock }: { clock?: Clock } = {},
): { readonly identity: Identity; readonly database: Database } {
  const fresh = freshDatabase(name, { service: 'identity' })
  let identity: Identity | undefined
  let notices: ServerNotices | undefined
  beforeAll(async () => {
    notices = openNotices({ url: fresh.url, name, log: silentLogger() })
    identity = await openIdentity({
      database: fresh.database,
      notices,
      deriveKey: deriveFrom('a secret of the tests, long enough'),
      hashing: { algorithm: 'argon2id', memoryKib: 64, passes: 1 },
      secretOf: () => undefined,
      eventsRecorded: () => undefined,
      observe: () => undefined,
      exposeDevSecrets: true,
      keyRotationDays: 0,
      longestAccessTtl: 3600,
      clock,
      log: silentLogger(),
    })
  })
  afterAll(async () => {
    identity?.close()
    await notices?.close()
  })
  return {
    get identity() {
      if (!identity) throw new Error('identity exists only while tests run')
      return identity
    },
    get database() {
      return fresh.database
    },
  }
}
