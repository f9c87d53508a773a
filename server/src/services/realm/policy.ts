/** What a password has to be, as data: a contract's own rule, which a tenant's settings can only make stricter. */
export interface PasswordRule {
  minLength: number
  /** 256 when absent. */
  maxLength?: number
  /** How many of the four kinds (upper, lower, digit, other) it must have; 0 when absent. */
  kinds?: number
  /** True to refuse what stands in lists of common passwords. */
  refuseCommon?: boolean
  /** True to refuse what does but for digits and signs before or behind it, and what is the person's own name or address. */
  refuseResembling?: boolean
  /** The least zxcvbn score, 0 to 4; 0 when absent. */
  minScore?: number
}

/** What a role lets somebody do. Whatever is not listed is denied. */
export type Permission =
  | 'accounts:read'
  | 'accounts:manage'
  /** Reach into other tenants. */
  | 'tenants:cross'
  | 'roles:grant'
  | 'statistics:read'
  | 'orders:manage'

export interface Roles {
  /** What an account without a grant is. */
  person: string
  /** The role that administers the contract: its last holder stays. Absent where a contract has none. */
  administrator?: string
  /** What the creator of a tenant becomes in it. */
  tenantCreator?: string
  /** Every role with what it permits. */
  permissions: Readonly<Record<string, readonly Permission[]>>
}

/** How a contract wants accounts to be treated: data, so that no service has to know a contract's name. */
export interface Policy {
  /** `email`: the username or a proven address. */
  identifier: 'username' | 'email'
  /** `required`: nobody signs in before the address is proven. `mailed`: a link is mailed and nothing waits for it. `never`: registering mails none. */
  verifiedEmail: 'required' | 'mailed' | 'never'
  /** `enrolled`: asked of accounts that have it on. `always`: asked of everybody. */
  secondFactor: 'enrolled' | 'always'
  /** True when proving the address turns the second factor on. */
  verificationEnrols: boolean
  password: PasswordRule
  /** After `failures` wrong passwords in a row, `seconds` of refusing even the right one. */
  lockout: { failures: number; seconds: number }
  /** Seconds an access token lives. */
  accessTtl: number
  /** Seconds a refresh token lives from its own issue. */
  refreshTtl: number
  /** Seconds a session lives at most, however often it is refreshed. */
  sessionMax: number
  /** Seconds a mailed link to reset a password is good for. */
  resetTtl: number
  /** The tenant its accounts belong to; `named`: the request names it, and registering makes it. */
  tenant: { name: string } | 'named'
  roles: Roles
  /** `closed`: nobody becomes a member by signing in with an account of another realm. */
  joining: 'open' | 'closed'
  /** True: while the contract has no administrator, the first to register becomes it. */
  firstBecomesAdministrator: boolean
  /** The language of mail to people whose client states none of ours. */
  locale: Locale
}

export const locales = ['en', 'fr'] as const
export type Locale = (typeof locales)[number]

/** The tenant that is there from the first migration on: of realms whose requests name none, and of events of an older build. */
export const mainTenant = 'main'
