import { type Locale, locales, type Policy, type Realm } from '../realm/index.ts'
import { emailPattern, usernamePattern } from './limits.ts'
import { describeForeignHash } from './passwords/foreign-hashes/index.ts'
import { tenantName } from './tenants.ts'

/** An account as another system states it. */
export interface AccountToImport {
  email?: string | undefined
  /** The e-mail address, when absent. */
  username?: string | undefined
  displayName?: string | undefined
  passwordHash?: string | undefined
  /** True when the other system had the person prove the address. */
  emailVerified?: boolean | undefined
  secondFactor?: boolean | undefined
  role?: string | undefined
  tenant?: string | undefined
  locale?: string | undefined
  active?: boolean | undefined
  /** RFC 3339. */
  createdAt?: string | undefined
}

/** An account that fits, as it will be written. */
export interface ImportedAccount {
  tenant: string
  username: string
  email: string | null
  displayName: string | null
  passwordHash: string | null
  emailVerified: boolean
  secondFactor: boolean
  /** Other than a person's, which is what an account is without a grant. */
  role: string | null
  administrator: boolean
  locale: Locale
  active: boolean
  createdAt: Date | null
}

interface Unfit {
  problem: string
}

/** The account with the format of its hash, `none` without one; or why it does not fit. */
export type ReadAccount = { account: ImportedAccount; format: string } | Unfit

/**
 * Reads one account by the rules of a contract. A problem names the field as the file does and never quotes the hash.
 * @param now milliseconds since the epoch
 */
export function readAccount(given: AccountToImport, realm: Realm, now: number): ReadAccount {
  const { policy } = realm
  const email = given.email?.trim().toLowerCase() || null
  const username = given.username ?? email
  if (username === null) return { problem: 'it has neither username nor email' }
  if (email === null && policy.identifier === 'email') return { problem: 'email is missing' }
  if (email !== null && !emailPattern.test(email)) return { problem: 'email is no e-mail address' }
  // An address is a name for whoever it belongs to, and for nobody else.
  const ofSomebodyElse = emailPattern.test(username) && username.toLowerCase() !== email
  if (username !== email && (!usernamePattern.test(username) || ofSomebodyElse)) {
    return { problem: 'username is not allowed' }
  }
  const needsEmail = given.emailVerified ? 'email_verified' : given.secondFactor ? 'second_factor' : undefined
  if (email === null && needsEmail) return { problem: `${needsEmail} needs an email` }

  const tenant = tenantOf(policy, given.tenant)
  if (typeof tenant !== 'string') return tenant
  const locale = given.locale ?? policy.locale
  if (!isLocale(locale)) return { problem: `locale is none of ${locales.join(', ')}` }
  const createdAt = given.createdAt === undefined ? null : new Date(given.createdAt)
  if (createdAt !== null && !(createdAt.getTime() <= now)) return { problem: 'created_at is no time in the past' }
  const grant = roleOf(policy, given.role)
  if ('problem' in grant) return grant
  const hash = given.passwordHash === undefined ? { format: 'none' } : describeForeignHash(given.passwordHash)
  if ('refused' in hash) return { problem: `password_hash is refused: ${hash.refused}` }

  const account: ImportedAccount = {
    tenant,
    username,
    email,
    displayName: given.displayName?.trim() || null,
    passwordHash: given.passwordHash ?? null,
    emailVerified: given.emailVerified ?? false,
    secondFactor: given.secondFactor ?? false,
    ...grant,
    locale,
    active: given.active ?? true,
    createdAt,
  }
  return { account, format: hash.format }
}

function tenantOf(policy: Policy, named: string | undefined): string | Unfit {
  if (policy.tenant !== 'named')
    return named === undefined ? policy.tenant.name : { problem: 'tenant cannot be chosen here' }
  if (named === undefined) return { problem: 'tenant is missing' }
  try {
    return tenantName(policy, named)
  } catch {
    return { problem: 'tenant is no name' }
  }
}

function roleOf({ roles }: Policy, role: string | undefined): Pick<ImportedAccount, 'role' | 'administrator'> | Unfit {
  const { person, permissions, administrator } = roles
  if (role === undefined || role === person) return { role: null, administrator: false }
  if (!Object.hasOwn(permissions, role)) return { problem: `role is none of ${Object.keys(permissions).join(', ')}` }
  return { role, administrator: role === administrator }
}

const isLocale = (text: string): text is Locale => (locales as readonly string[]).includes(text)
