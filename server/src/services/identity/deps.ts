import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/db/database.ts'
import type { RequestContext } from '../realm/index.ts'
import type { Lockout } from './lockout.ts'
import type { Passwords } from './passwords/index.ts'
import type { Origin } from './store/activities.ts'
import type { Tokens } from './tokens/access-tokens.ts'
import type { ChallengeSecrets } from './tokens/challenge-secrets.ts'
import type { RevocationHub } from './tokens/revocations.ts'

/** What identity's use cases are made from. */
export interface Deps {
  database: Database
  passwords: Passwords
  tokens: Tokens
  secrets: ChallengeSecrets
  lockout: Lockout
  revocations: RevocationHub
  /** Wakes the relay after a commit that recorded an event. */
  eventsRecorded(): void
  /** Wakes the mail worker after a commit that queued mail. */
  mailQueued(): void
  /** Development: what is mailed is also given back, so that a person without a mail server can go on. */
  exposeDevSecrets: boolean
  /** Seconds that the longest-lived access token of any contract lives: how long a revocation has to be remembered. */
  longestAccessTtl: number
  clock: Clock
}

/** When a revocation made now may be forgotten: the last token it concerns has expired, leeway included. */
export const revokedUntil = ({ clock, longestAccessTtl }: Pick<Deps, 'clock' | 'longestAccessTtl'>): Date =>
  new Date(clock.now() + (longestAccessTtl + 60) * 1000)

/** The time `seconds` from now. */
export const after = ({ clock }: Pick<Deps, 'clock'>, seconds: number): Date => new Date(clock.now() + seconds * 1000)

/** Where a request came from, for the rows that tell. */
export const originOf = ({ ip, userAgent }: RequestContext): Origin => ({ ip, userAgent })
