import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import type { Database } from '../../src/platform/db/database.ts'
import { migrate } from '../../src/platform/db/migrate.ts'
import { openNotices, type ServerNotices } from '../../src/platform/db/notices.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { deriveFrom } from '../../src/platform/secrets.ts'
import { type Client, type Identity, migrations, openIdentity, type Terms } from '../../src/services/identity/index.ts'
import { freshDatabase } from './test-databases.ts'

/** A contract as identity sees one, with a lockout that a test can reach. */
export const testTerms: Terms = {
  name: 'test',
  policy: {
    password: { minLength: 8 },
    lockout: { failures: 3, seconds: 900 },
    accessTtl: 3600,
    refreshTtl: 86_400,
    tenant: 'main',
    roles: { person: 'user', administrator: 'admin', all: ['user', 'admin'] },
  },
  claims: ({ username }) => ({ sub: username }),
}

export const testClient: Client = { terms: testTerms, ip: '127.0.0.1', userAgent: 'test' }

/** Identity on a database of its own, for the file that calls it while tests are collected. */
export function identityService(name: string): { readonly identity: Identity; readonly database: Database } {
  const fresh = freshDatabase(name)
  let identity: Identity | undefined
  let notices: ServerNotices | undefined
  beforeAll(async () => {
    await migrate(fresh.url, migrations, { log: silentLogger() })
    notices = openNotices({ url: fresh.url, name, log: silentLogger() })
    identity = await openIdentity({
      database: fresh.database,
      notices,
      deriveKey: deriveFrom('a secret of the tests, long enough'),
      hashing: { algorithm: 'argon2id', memoryKib: 64, passes: 1 },
      secretOf: () => undefined,
      eventsRecorded: () => undefined,
      longestAccessTtl: 3600,
      clock: systemClock,
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
