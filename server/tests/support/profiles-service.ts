import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'
import { type Database, sql } from '../../src/platform/db/database.ts'
import { openNotices, type ServerNotices } from '../../src/platform/db/notices/index.ts'
import { DomainError } from '../../src/platform/errors.ts'
import { handleOnce, handlerOf } from '../../src/platform/events/inbox.ts'
import { newId } from '../../src/platform/ids.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { createReadCache, type ReadCache } from '../../src/platform/read-cache.ts'
import type { ObjectStore } from '../../src/platform/storage/object-store.ts'
import {
  type AccountSummary,
  type Accounts,
  type CachedPeople,
  openProfiles,
  type Profile,
  type Profiles,
} from '../../src/services/profiles/index.ts'
import type { RequestContext } from '../../src/services/realm/index.ts'
import { contextOf, realmWith } from './identity-service.ts'
import { freshDatabase } from './test-databases.ts'

/** A request in the realm `name`. Contracts announce every fact as `<name>.<fact>`, unless `silent`. */
export const contextIn = (
  name = 'test',
  { tenant = 'main', ...from }: Partial<RequestContext> & { tenant?: string } = {},
): RequestContext =>
  contextOf(realmWith(name, { tenant: { name: tenant } }), { ip: '192.0.2.1', userAgent: 'tests', ...from })

type Membership = AccountSummary['memberships'][number]

/** What an account is in a realm, which it registered in, from now on. */
export const memberOf = (realm: string, role: string | null = null, more: Partial<Membership> = {}): Membership => ({
  realm,
  role,
  origin: 'registered',
  since: new Date().toISOString(),
  ...more,
})

/** Accounts in memory, with what was asked of them. */
export interface TestAccounts extends Accounts {
  readonly known: Map<string, AccountSummary>
  /** `name: argument, argument`, in order; readings are left out. */
  readonly asked: string[]
  /** Makes the named call fail with this refusal, until `mend`. */
  break(call: keyof Accounts, code: string): void
  mend(): void
  register(about?: Partial<AccountSummary>): AccountSummary
  /** Makes the account a member, in place of what it was there. */
  join(accountId: string, membership: Membership): void
  /** Ends a membership, as identity does; the account stays. */
  leave(accountId: string, realm: string): void
}

let numbers = 0
function testAccounts(): TestAccounts {
  const known = new Map<string, AccountSummary>()
  const asked: string[] = []
  const broken = new Map<keyof Accounts, string>()
  const about = (call: keyof Accounts, ...parts: readonly unknown[]) => {
    const code = broken.get(call)
    if (code !== undefined) throw new DomainError(code)
    if (call !== 'find' && call !== 'active') asked.push(`${call}: ${parts.join(', ')}`)
  }
  const register = (given: Partial<AccountSummary> = {}): AccountSummary => {
    numbers += 1
    const account: AccountSummary = {
      id: newId(),
      number: numbers,
      tenant: 'main',
      username: `person${numbers}`,
      email: null,
      displayName: null,
      createdAt: new Date().toISOString(),
      memberships: [memberOf('test')],
      ...given,
    }
    known.set(account.id, account)
    return account
  }
  const change = (id: string, to: (account: AccountSummary) => Partial<AccountSummary>) => {
    const account = known.get(id)
    if (account) known.set(id, { ...account, ...to(account) })
  }
  const leave = (id: string, realm: string) =>
    change(id, ({ memberships }) => ({ memberships: memberships.filter((one) => one.realm !== realm) }))
  const isMember = (id: string, realm: string) => known.get(id)?.memberships.some((one) => one.realm === realm) ?? false
  return {
    known,
    asked,
    leave,
    join(id, membership) {
      leave(id, membership.realm)
      change(id, ({ memberships }) => ({ memberships: [...memberships, membership] }))
    },
    break: (call, code) => void broken.set(call, code),
    mend: () => broken.clear(),
    register,
    async find(id) {
      about('find')
      return known.get(id)
    },
    async create({ username, email, displayName, role }, realm) {
      about('create', username, email, displayName, role, realm)
      const memberships = [memberOf(realm, role ?? null, { origin: 'added' })]
      const name = username ?? email ?? ''
      return register({ username: name, email: email ?? null, displayName: displayName ?? null, memberships })
    },
    async proposeEmail(id, email, realm, options) {
      const { tellTaken } = options ?? {}
      about('proposeEmail', id, email, realm, ...(tellTaken ? ['tell'] : []))
    },
    async rename(id, displayName) {
      about('rename', id, displayName)
      change(id, () => ({ displayName }))
    },
    async changeRole(id, role, by, realm) {
      about('changeRole', id, role, by, realm)
      change(id, ({ memberships }) => ({
        memberships: memberships.map((one) => (one.realm === realm ? { ...one, role } : one)),
      }))
    },
    async remove(id, realm, by) {
      about('remove', id, realm, ...(by ? [by] : []))
      const removed = isMember(id, realm)
      leave(id, realm)
      if (known.get(id)?.memberships.length === 0) known.delete(id)
      return removed
    },
    async active(ids, realm) {
      about('active')
      return ids.filter((id) => isMember(id, realm))
    },
  }
}

export interface TestProfiles {
  readonly profiles: Profiles
  readonly database: Database
  /** The connection URL of its database. */
  readonly url: string
  readonly accounts: TestAccounts
  /** How often the relay was woken. */
  readonly woken: number
  /** What identity's consumer does with an event; `sequence` grows by itself. Rejects as the handler does. */
  tell(type: string, subject: string, data?: object): Promise<void>
  /** The same for the beginning of a membership, as the accounts know it. */
  tellStarted(accountId: string, realm?: string, more?: object): Promise<void>
  /** The events told of an account, in order. */
  events(accountId: string): Promise<{ type: string; sequence: number; data: Record<string, unknown> }[]>
  /** The log of an account, oldest first. */
  logged(accountId: string): Promise<{ type: string; data: object; ip: string | null; userAgent: string | null }[]>
  /** The profile of an account, as the realm `test`, or another, shows it to whoever may see it. */
  own(accountId: string, realm?: string): Promise<Profile>
  /** A person with a profile in each of their realms. */
  person(about?: Partial<AccountSummary>): Promise<AccountSummary>
}

const nowhere: ObjectStore = {
  put: async () => undefined,
  get: async () => undefined,
  remove: async () => undefined,
  ping: async () => undefined,
  close: async () => undefined,
}

/** Profiles on a database of its own, or the given one, for the file that calls it while tests are collected. */
export function profilesService(
  name: string,
  {
    watch = (database: Database) => database,
    avatars = nowhere,
    fresh = freshDatabase(name, { service: 'profiles' }),
  } = {},
): TestProfiles {
  const accounts = testAccounts()
  let profiles: Profiles | undefined
  let notices: ServerNotices | undefined
  let people: ReadCache<CachedPeople> | undefined
  let woken = 0
  let sequence = 0
  beforeAll(async () => {
    notices = openNotices({ url: fresh.url, name, log: silentLogger() })
    people = createReadCache({ name: 'people', notices, max: 1_000 })
    profiles = openProfiles({
      database: watch(fresh.database),
      accounts,
      people,
      announce: (contract, fact, about) =>
        contract === 'silent' ? undefined : { type: `${contract}.${fact}`, data: { ...about } },
      eventsRecorded: () => {
        woken += 1
      },
      avatars,
      // The machine may be busy with other tests.
      imageWaitMs: 60_000,
      clock: systemClock,
      log: silentLogger(),
    })
  })
  afterAll(async () => {
    await profiles?.close()
    people?.close()
    await notices?.close()
  })

  const service = () => {
    if (!profiles) throw new Error('profiles exist only while tests run')
    return profiles
  }
  const tell = async (type: string, subject: string, data: object = {}) => {
    sequence += 1
    const event = { id: newId(), source: 'identity', type, subject, sequence, time: new Date().toISOString(), data }
    const { handlers, onHandled } = service().follows
    const handler = handlerOf(handlers, event)
    if (!handler) throw new Error(`nobody follows ${type}`)
    if (await handleOnce(fresh.database, 'profiles', event, handler)) onHandled(event)
  }
  return {
    get profiles() {
      return service()
    },
    get database() {
      return fresh.database
    },
    url: fresh.url,
    accounts,
    get woken() {
      return woken
    },
    tell,
    async tellStarted(accountId, realm = 'test', more = {}) {
      const account = accounts.known.get(accountId)
      const membership = account?.memberships.find((one) => one.realm === realm)
      if (!account || !membership) throw new Error(`${accountId} is no member of ${realm}`)
      const { id, memberships: _, ...about } = account
      const { role, ...came } = membership
      await tell('membership.started', id, { ...about, ...came, ...(role !== null && { role }), ...more })
    },
    events: (accountId) =>
      fresh.database.many(sql<{ type: string; sequence: number; data: Record<string, unknown> }>`
        SELECT type, sequence, data FROM outbox_events WHERE aggregate_id = ${accountId} ORDER BY sequence`),
    logged: (accountId) =>
      fresh.database.many(sql<{ type: string; data: object; ip: string | null; userAgent: string | null }>`
        SELECT type, data, host(ip) AS ip, user_agent AS "userAgent" FROM activities WHERE account_id = ${accountId} ORDER BY id`),
    own: (accountId, realm = 'test') => service().read({ accountId }, contextIn(realm)),
    async person(about) {
      const account = accounts.register(about)
      for (const { realm } of account.memberships)
        await service().read({ accountId: account.id }, contextIn(realm, { tenant: account.tenant }))
      return account
    },
  }
}
