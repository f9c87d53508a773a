import type { Clock } from '../../../platform/clock.ts'
import type { Database, Queryable } from '../../../platform/db/database.ts'
import type { Notices } from '../../../platform/db/notices/index.ts'
import { messageOf } from '../../../platform/errors.ts'
import type { Logger } from '../../../platform/log.ts'
import type { DeriveKey } from '../../../platform/secrets.ts'
import { pause } from '../../../platform/signal.ts'
import { currentOf, type KeyState, leadMs, nextOf, outlived, rotationDue, soonest, stateOf } from './lifetimes.ts'
import type { KeyRow, PublicJwk, SigningKey } from './rows.ts'
import * as store from './rows.ts'

export type { PublicJwk, SigningKey } from './rows.ts'

/** A key as operators see it. */
export interface KeyEntry {
  kid: string
  createdAt: Date
  activatesAt: Date
  state: KeyState
}

export type SigningKeys = Awaited<ReturnType<typeof openSigningKeys>>

export interface SigningKeysOptions {
  database: Database
  notices: Notices
  deriveKey: DeriveKey
  /** Days that a key signs before its successor is made; 0: for ever. */
  rotationDays: number
  /** Seconds that the longest-lived access token lives. */
  longestAccessTtl: number
  clock: Clock
  log: Logger
  /** Milliseconds between two looks at the table, for notices that were lost and for what is due. */
  everyMs?: number
}

const channel = 'signing_keys'

/**
 * Opens the keys that access tokens are signed with, the same in every process of identity: loads them, making the first one if there is none, and follows and rotates them until `close`. A StartError when they
 * are wrapped by another master secret.
 */
export async function openSigningKeys(options: SigningKeysOptions) {
  const { database, notices, deriveKey, rotationDays, longestAccessTtl, clock, log, everyMs = 60_000 } = options
  const wrapping = deriveKey('signing-keys')
  const stopping = new AbortController()
  /** The current key and those to come; the private half of a retiring one stays wrapped. */
  let signing: readonly { key: SigningKey; activatesAt: Date }[] = []
  let published: { keys: PublicJwk[] } = { keys: [] }
  let readings = 0
  let applied = 0

  const addNew = async (tx: Queryable, activatesAt: Date): Promise<KeyRow> => {
    const row = store.makeKey(wrapping, { createdAt: new Date(clock.now()), activatesAt })
    await store.addKey(tx, row)
    return row
  }
  const makeFirst = () =>
    store.changeKeys(database, async (tx, rows) => (rows.length > 0 ? rows : [await addNew(tx, new Date(clock.now()))]))

  const load = async (): Promise<KeyRow[]> => {
    readings += 1
    const reading = readings
    const present = await store.readKeys(database)
    const rows = present.length > 0 ? present : await makeFirst()
    // One that began earlier may have read less, and come in later.
    if (reading < applied) return rows
    const current = currentOf(rows, clock.now())
    signing = rows
      .slice(0, rows.indexOf(current) + 1)
      .map((row) => ({ key: store.openKey(wrapping, row), activatesAt: row.activatesAt }))
    published = { keys: rows.map(({ publicJwk }) => publicJwk) }
    applied = reading
    return rows
  }

  const change = async <Result>(work: (tx: Queryable, rows: KeyRow[]) => Promise<Result>): Promise<Result> => {
    const result = await store.changeKeys(database, work)
    const announced = notices.announce(channel)
    await load()
    await announced
    return result
  }

  const rotateIn = async (tx: Queryable, rows: readonly KeyRow[], atOnce: boolean) => {
    const now = clock.now()
    const waiting = nextOf(rows, now)
    const activatesAt = atOnce ? soonest(rows, now) : (waiting?.activatesAt ?? new Date(now + leadMs))
    if (!waiting) return addNew(tx, activatesAt)
    if (atOnce) await store.activateKey(tx, waiting.kid, activatesAt)
    return { kid: waiting.kid, activatesAt }
  }

  /** Rotates and removes what it is time for. */
  const upkeep = async () => {
    const isDue = (rows: readonly KeyRow[]) => rotationDue(rows, rotationDays, clock.now())
    const useless = (rows: readonly KeyRow[]) => outlived(rows, longestAccessTtl, clock.now()).map(({ kid }) => kid)
    const seen = await load()
    if (!isDue(seen) && useless(seen).length === 0) return
    // Looked at again under the lock, where only the first of several processes still finds something to do.
    const { made, removed } = await change(async (tx, rows) => {
      const made = isDue(rows) ? await rotateIn(tx, rows, false) : undefined
      const removed = useless(rows)
      await store.removeKeys(tx, removed)
      return { made, removed }
    })
    if (made) log.info({ kid: made.kid, activatesAt: made.activatesAt }, 'a new signing key is published')
    if (removed.length > 0) log.info({ kids: removed }, 'signing keys whose tokens have all expired are removed')
  }

  const attempt = (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) => {
      if (!stopping.signal.aborted) log.warn({ reason: messageOf(error) }, 'the signing keys could not be read anew')
    })
  const watch = async () => {
    for (;;) {
      await pause(everyMs, stopping.signal)
      if (stopping.signal.aborted) return
      await attempt(upkeep())
    }
  }

  await load()
  const unsubscribe = notices.on(channel, () => void attempt(load()))
  void watch()

  return {
    /** The key that signs: the newest one that is active. */
    current: () => currentOf(signing, clock.now()).key,
    /** The set that verifies (RFC 7517): the same object until the keys are read anew. */
    jwks: () => published,
    /**
     * Publishes a new key that signs from ten minutes later on, or at once with `now`. A key that waits already is taken
     * instead of a second one.
     */
    async rotate({ now = false } = {}) {
      const { kid, activatesAt } = await change((tx, rows) => rotateIn(tx, rows, now))
      log.info({ kid, activatesAt }, 'a new signing key is published')
      return { kid, activatesAt }
    },
    /** Every key, those that activate last first. */
    async list(): Promise<KeyEntry[]> {
      const rows = await load()
      const now = clock.now()
      return rows.map((row) => {
        const { kid, createdAt, activatesAt } = row
        return { kid, createdAt, activatesAt, state: stateOf(row, rows, now) }
      })
    },
    /**
     * Withdraws a compromised key; in place of the current one a new one signs at once. False when there is no such key. Tokens
     * that it signed are refused in this process when this resolves, in other processes of identity when they hear of it (after
     * 60 s at most), and by verifiers elsewhere within 5 minutes of that, when they read the set again (`jwksKeySource`).
     */
    async revoke(kid: string): Promise<boolean> {
      const known = await change(async (tx, rows) => {
        if (!rows.some((row) => row.kid === kid)) return false
        const now = clock.now()
        // A fresh one, not the one that waits: whoever could read the current key could read that one as well.
        if (currentOf(rows, now).kid === kid) await addNew(tx, new Date(now))
        await store.removeKeys(tx, [kid])
        return true
      })
      if (known) log.warn({ kid }, 'a signing key is revoked')
      return known
    },
    close(): void {
      stopping.abort()
      unsubscribe()
    },
  }
}
