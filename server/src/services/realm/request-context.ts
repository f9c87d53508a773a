import type { AccessClaims } from '../../platform/http/token-verifier.ts'
import type { Locale } from './policy.ts'
import type { Terms } from './realm.ts'

/** Who is asking, and by which contract. */
export interface Client {
  readonly terms: Terms
  /** Null for an operator at the command line, and for our own processes. */
  readonly ip: string | null
  /** What counts as one caller: an IPv4 address, or an IPv6 /64. */
  readonly network: string
  /** The device's own id, from its signed cookie. */
  readonly device: string
  readonly userAgent: string | undefined
  /** The language that the client asked for, if it is one of ours. */
  readonly locale: Locale | undefined
}

/** Our own processes and operators, as clients of a contract. */
export const operator = (terms: Terms): Client => ({
  terms,
  ip: null,
  network: '',
  device: '',
  userAgent: undefined,
  locale: undefined,
})
