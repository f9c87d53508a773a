import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Logger } from '../../platform/log.ts'
import type { ReadCache } from '../../platform/read-cache.ts'
import type { Accounts } from './accounts-port.ts'
import type { AnnounceProfile } from './facts.ts'
import type { Profile } from './profile.ts'

/** One profile, or a page of them. */
export type CachedPeople = readonly Profile[]

/** What profiles' use cases are made from. */
export interface Deps {
  database: Database
  accounts: Accounts
  /** What `read` and `list` read: a profile under a key of the account, pages under one key. */
  people: ReadCache<CachedPeople>
  /** What a contract announces of a fact. */
  announce: (contract: string, ...about: Parameters<AnnounceProfile>) => ReturnType<AnnounceProfile>
  /** Wakes the relay after a commit that recorded an event. */
  eventsRecorded(): void
  clock: Clock
  log: Logger
}

/** The one key of the pages of people. */
export const peopleKey = 'people'
export const personKey = (accountId: string): string => `account:${accountId}`

/** To be called after the commit of a write: nobody reads from then on what was before it. */
export async function written({ people, eventsRecorded }: Deps, accountId: string, emitted: boolean): Promise<void> {
  if (emitted) eventsRecorded()
  await Promise.all([people.drop(personKey(accountId)), people.drop(peopleKey)])
}
