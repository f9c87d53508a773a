import type { DomainError } from '../platform/errors.ts'
import type { IdentityErrorCode } from '../services/identity/index.ts'

/** What an operator is told; contracts have words of their own for their clients. */
const words: Readonly<Record<IdentityErrorCode, string>> = {
  'identity.invalid_credentials': 'The name or the password is wrong.',
  'identity.email_unverified': 'The e-mail address of this account is not proven.',
  'identity.deactivated': 'This account is deactivated.',
  'identity.must_change_password': 'The password does not satisfy the rule of this realm.',
  'identity.second_factor_required': 'This account has a second factor.',
  'identity.invalid_code': 'The code is wrong or has expired.',
  'identity.username_invalid':
    'The name must have 2 to 254 letters, digits or the signs . _ @ + - and may be nobody else’s e-mail address.',
  'identity.username_taken': 'This name is taken.',
  'identity.email_invalid': 'This is not an e-mail address.',
  'identity.name_invalid': 'The display name is not acceptable.',
  'identity.tenant_invalid': 'Name the tenant with --tenant <name>.',
  'identity.password_too_short': 'The password is too short for this contract.',
  'identity.password_too_long': 'The password is too long for this contract.',
  'identity.password_too_simple': 'The password needs more kinds of characters: upper and lower case, digits, signs.',
  'identity.password_too_common': 'This password is in lists of common passwords.',
  'identity.password_too_weak': 'This password is easier to guess than the tenant allows.',
  'identity.password_mismatch': 'The two passwords differ.',
  'identity.wrong_password': 'The present password is wrong.',
  'identity.invalid_link': 'This link is not valid any more.',
  'identity.already_verified': 'This e-mail address is proven already.',
  'identity.too_many_links': 'Too many links were mailed within the hour.',
  'identity.invalid_refresh_token': 'The refresh token is not valid any more.',
  'identity.account_not_found': 'There is no such account.',
  'identity.unknown_role': 'There is no such role.',
  'identity.last_administrator': 'The last administrator can be neither demoted, deactivated nor deleted.',
  'identity.not_oneself': 'Nobody can do this to their own account.',
  'identity.not_allowed': 'This is not allowed.',
  'identity.idempotency_key_reused': 'This key was used before.',
  'identity.busy': 'Too many passwords wait to be hashed. Try again in a moment.',
}

/** A domain error in words, with what would have been accepted where that is known. */
export function explain({ code, details }: DomainError): string {
  const known = Array.isArray(details.known) ? ` Known: ${details.known.join(', ')}.` : ''
  return `${(words as Readonly<Record<string, string>>)[code] ?? `${code}.`}${known}`
}
