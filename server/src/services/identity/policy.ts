/** What a password has to be, as data: a contract's own rule, which a tenant's settings can only make stricter. */
export interface PasswordRule {
  minLength: number
  /** 256 when absent. */
  maxLength?: number
  /** How many of the four kinds (upper, lower, digit, other) it must have; 0 when absent. */
  kinds?: number
  /** True to refuse what stands in lists of common passwords. */
  refuseCommon?: boolean
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
  /** Seconds a mailed link to reset a password is good for. */
  resetTtl: number
  /** The tenant its accounts belong to; `named`: the request names it, and registering makes it. */
  tenant: { name: string } | 'named'
  roles: Roles
  /** True: while the contract has no administrator, the first to register becomes it. */
  firstBecomesAdministrator: boolean
  /** The language of mail to people whose client states none of ours. */
  locale: Locale
}

export const locales = ['en', 'fr'] as const
export type Locale = (typeof locales)[number]

/** Seconds a mailed link to prove an address is good for. */
export const verificationTtl = 24 * 3600
/** Seconds a one-time code is good for, and wrong ones that end its sign-in. */
export const codeTtl = 5 * 60
export const codeAttempts = 5
/** Sign-ins ended by wrong codes, in whichever contract, after which strangers get no further code for a day (NIST 800-63B-4). */
export const codeLockout = { failures: 10, seconds: 24 * 3600 }
/** Links to prove an address that an account may be mailed in an hour, the one from registration included. */
export const verificationsPerHour = 3
/** Links to reset a password that an account may be mailed in an hour. */
export const resetsPerHour = 5

/** Links that an address may be mailed in an hour, by whichever account, so that nobody floods a stranger. */
export const linksPerAddress = 10

/** An account as the contracts see it, with its role in the contract that asks. */
export interface AccountView {
  id: string
  number: number
  tenant: { id: string; number: number; name: string }
  username: string
  email: string | null
  displayName: string | null
  emailVerified: boolean
  secondFactor: boolean
  active: boolean
  role: string
  locale: Locale
  preferences: Readonly<Record<string, unknown>>
  createdAt: Date
  updatedAt: Date
  lastLoginAt: Date | null
}

/** What happened to an account, which a contract may announce under a name of its own. */
export type Fact =
  | 'registered'
  | 'email_verified'
  | 'logged_in'
  | 'logged_out'
  | 'logged_out_everywhere'
  | 'locked'
  | 'password_reset_requested'
  | 'password_reset'

/** What is known of an account where a fact is recorded. */
export interface FactAbout {
  id: string
  email: string | null
  displayName: string | null
}

/** What identity has to know of the contract that a request came by. */
export interface Terms {
  /** The contract's name, also the scope of its grants and secrets. */
  readonly name: string
  /** For people, in mail. */
  readonly title: string
  /** The audience of its tokens: its name, when absent. */
  readonly audience?: readonly string[]
  readonly policy: Policy
  /** The contract's own claims, beside the core's. */
  claims(account: AccountView): Record<string, unknown>
  /** The contract's own event for a fact, beside the core's. */
  announce?(fact: Fact, account: FactAbout, at: Date): { type: string; data: Record<string, unknown> } | undefined
  /** Where mailed links lead, below the listener that people reach; absent for what the contract never mails. */
  readonly links: {
    verifyEmail?(link: { accountId: string; token: string }): string
    resetPassword?(link: { token: string }): string
  }
}

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

/** The longest password that is hashed, in UTF-16 units: NIST 800-63B-4 asks for at least 64; longer ones only cost. */
export const longestPassword = 256

/** The characters of a username that somebody chose; one that is the e-mail address may have those of addresses. */
export const usernamePattern = /^[A-Za-z0-9._@+-]{2,254}$/

/**
 * An e-mail address as HTML takes one (WHATWG, "valid e-mail address"), within the lengths of RFC 5321; whether it works only a
 * mail can tell.
 */
export const emailPattern =
  /^(?=.{3,254}$)[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i
