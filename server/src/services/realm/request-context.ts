import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Locale, Permission } from './policy.ts'
import type { Realm } from './realm.ts'

/** One request, as everything behind the edge knows it: in which realm, from where, and by whom. */
export interface RequestContext {
  readonly realm: Realm
  /** Null for an operator at the command line, and for our own processes. */
  readonly ip: string | null
  /** What counts as one caller: an IPv4 address, or an IPv6 /64. */
  readonly ipPrefix: string
  /** The device's own id, from its signed cookie. */
  readonly device: string
  readonly userAgent: string | undefined
  /** The language that the request asked for, if it is one of ours. */
  readonly locale: Locale | undefined
  /** What the access token says; undefined on routes for the public, for operators and for other services. */
  readonly claims: AccessClaims | undefined
  /** The Bearer token as it came, whether or not the route wants one. */
  readonly bearer: string | undefined
  /** True for an operator, and for another service of ours on routes that let one in. */
  readonly service: boolean
}

/** Operators and our own processes, in a realm. */
export const operator = (realm: Realm): RequestContext => ({
  realm,
  ip: null,
  ipPrefix: '',
  device: '',
  userAgent: undefined,
  locale: undefined,
  claims: undefined,
  bearer: undefined,
  service: true,
})

/** True when the role that the token states has the permission. */
export function may({ claims, realm }: RequestContext, permission: Permission): boolean {
  const { permissions } = realm.policy.roles
  const role = String(claims?.role)
  return Object.hasOwn(permissions, role) && (permissions[role]?.includes(permission) ?? false)
}
