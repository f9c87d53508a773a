import type { Clock } from '../clock.ts'
import { messageOf } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Logger } from '../log.ts'
import { backoffMs, createSignal, pause } from '../signal.ts'

/** Tokens that are refused before they expire: those of one session, or of an account below a version, in one realm or in all. */
export interface Revocation {
  sessionId: string | null
  accountId: string | null
  /** Null: every realm. */
  realm: string | null
  minimumVersion: number | null
  /** Seconds since the epoch; after it no token that this concerns is alive. */
  until: number
}

export interface RevocationPage {
  /** Where the next page begins. */
  cursor: string
  /** Given back with the next request: it tells the feed what the reader has applied. 0: there is more, ask again at once. */
  revision: number
  revocations: Revocation[]
}

/** What a verifier follows: identity in this process, or the same over HTTP. */
export interface RevocationFeed {
  next(options: {
    reader: string
    cursor: string
    revision: number
    waitMs: number
    signal?: AbortSignal
  }): Promise<RevocationPage>
}

export interface TokenReference {
  sid: string
  uid: string
  ver: number
}

export type RevocationList = ReturnType<typeof createRevocationList>

interface Bucket {
  sessions: Set<string>
  accounts: Map<string, number>
}

/** What an account's minimum versions are held under. */
const accountKey = (accountId: string, realm: string | null): string =>
  realm === null ? accountId : `${accountId} ${realm}`

const pollMs = 2_000
/** Milliseconds after which a feed that was asked to answer within `pollMs` does not count as followed any more. */
const overdueMs = pollMs + 1_000
const hour = 3600

/**
 * @param staleAfterMs how old the last answer of the feed may be before the list says `unknown`
 * @param capacity revocations held at most; above it the list says `unknown` for what it does not hold
 */
export function createRevocationList(options: { clock: Clock; log: Logger; staleAfterMs: number; capacity?: number }) {
  const { clock, log, staleAfterMs, capacity = 200_000 } = options
  // One bucket per hour of expiry, so that forgetting is dropping a bucket and never a walk over all entries.
  const buckets = new Map<number, Bucket>()
  const stopping = new AbortController()
  let heardAt = Number.NEGATIVE_INFINITY
  /** The feed answered when it was last asked. */
  let answers = false
  let size = 0
  /** Something that is revoked is not held: true until a reading from the start has missed nothing. */
  let overfull = false
  let missed = false
  let restart = false
  let following: Promise<void> = Promise.resolve()

  const hold = ({ sessionId, accountId, realm, minimumVersion, until }: Revocation) => {
    const key = Math.floor(until / hour)
    let bucket = buckets.get(key)
    if (!bucket) {
      bucket = { sessions: new Set(), accounts: new Map() }
      buckets.set(key, bucket)
    }
    const account = accountKey(accountId ?? '', realm)
    const before = bucket.sessions.size + bucket.accounts.size
    const held = bucket.sessions.has(sessionId ?? '') || bucket.accounts.has(account)
    if (size >= capacity && !held) {
      overfull = true
      missed = true
      return
    }
    if (sessionId !== null) bucket.sessions.add(sessionId)
    if (accountId !== null && minimumVersion !== null) {
      bucket.accounts.set(account, Math.max(minimumVersion, bucket.accounts.get(account) ?? 0))
    }
    size += bucket.sessions.size + bucket.accounts.size - before
  }

  const forget = () => {
    const present = Math.floor(clock.now() / 1000 / hour)
    for (const [key, bucket] of buckets) {
      if (key >= present) continue
      buckets.delete(key)
      size -= bucket.sessions.size + bucket.accounts.size
      // What did not fit is read again from the start, now that there is room.
      if (overfull) restart = true
    }
  }

  const pull = async (feed: RevocationFeed, firstPage: () => void) => {
    const reader = newId()
    const { signal } = stopping
    let cursor = '0'
    let revision = 0
    let failures = 0
    let rereading = false
    while (!signal.aborted) {
      try {
        // After a failure not even quiet is waited for: it is news that the feed is back.
        const waitMs = revision === 0 || failures > 0 ? 0 : pollMs
        const page = await feed.next({ reader, cursor, revision, waitMs, signal })
        for (const revocation of page.revocations) hold(revocation)
        cursor = page.cursor
        revision = page.revision
        failures = 0
        if (revision === 0) continue
        heardAt = clock.now()
        answers = true
        if (rereading) overfull = missed
        rereading = false
        forget()
        if (restart) {
          cursor = '0'
          revision = 0
          missed = false
          restart = false
          rereading = true
        }
        firstPage()
      } catch (error) {
        answers = false
        if (signal.aborted) return
        failures += 1
        if (failures === 1) log.warn({ reason: messageOf(error) }, 'the revocation feed is away')
        await pause(backoffMs(failures), signal)
      }
    }
  }

  return {
    /** Of a token of that realm. `unknown`: the list is stale or overfull, and only identity can tell. */
    check({ sid, uid, ver }: TokenReference, realm: string): 'live' | 'revoked' | 'unknown' {
      const inRealm = accountKey(uid, realm)
      for (const { sessions, accounts } of buckets.values()) {
        if (sessions.has(sid)) return 'revoked'
        if (accounts.size === 0) continue
        if (ver < (accounts.get(inRealm) ?? 0) || ver < (accounts.get(uid) ?? 0)) return 'revoked'
      }
      return overfull || clock.now() - heardAt > staleAfterMs ? 'unknown' : 'live'
    },
    /** Loads what is revoked now and keeps following. Resolves after the first page, or after the deadline without one. */
    follow(feed: RevocationFeed, deadlineMs: number): Promise<void> {
      const first = createSignal()
      following = pull(feed, first.notify)
      return first.wait(deadlineMs, stopping.signal)
    },
    /** True while the feed answers: what is revoked is known here within moments. False as soon as it fails or is overdue. */
    following: () => answers && clock.now() - heardAt <= overdueMs,
    /** Revocations held. */
    size: () => size,
    async stop(): Promise<void> {
      stopping.abort()
      await following
    },
  }
}
