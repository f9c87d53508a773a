import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Locale } from './policy.ts'
import type { Realm } from './realm.ts'

/** Who is asking, and by which contract. */
export interface RequestContext {
  readonly realm: Realm
  /** Null for an operator at the command line, and for our own processes. */
  readonly ip: string | null
  /** What counts as one caller: an IPv4 address, or an IPv6 /64. */
  readonly ipPrefix: string
  /** The device's own id, from its signed cookie. */
  readonly device: string
  readonly userAgent: string | undefined
  /** The language that the client asked for, if it is one of ours. */
  readonly locale: Locale | undefined
}

/** Our own processes and operators, as clients of a contract. */
export const operator = (realm: Realm): RequestContext => ({
  realm,
  ip: null,
  ipPrefix: '',
  device: '',
  userAgent: undefined,
  locale: undefined,
})
