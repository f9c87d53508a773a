import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/db/database.ts'
import type { Lockout } from './lockout.ts'
import type { Passwords } from './passwords.ts'
import type { RevocationHub } from './revocations.ts'
import type { Tokens } from './tokens.ts'

/** The world identity's use cases live in. */
export interface Deps {
  database: Database
  passwords: Passwords
  tokens: Tokens
  lockout: Lockout
  revocations: RevocationHub
  /** Wakes the relay after a commit that recorded an event. */
  eventsRecorded(): void
  /** Seconds that the longest-lived access token of any contract lives: how long a revocation has to be remembered. */
  longestAccessTtl: number
  clock: Clock
}

/** When a revocation made now may be forgotten: the last token it concerns has expired, leeway included. */
export const revokedUntil = ({ clock, longestAccessTtl }: Deps): Date =>
  new Date(clock.now() + (longestAccessTtl + 60) * 1000)
