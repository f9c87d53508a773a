import { DomainError } from '../../platform/errors.ts'

/** Everything identity declines. The error table of each contract that uses it answers every one of them. */
export const identityErrors = [
  'identity.invalid_credentials',
  'identity.email_unverified',
  'identity.deactivated',
  'identity.second_factor_required',
  'identity.must_change_password',
  'identity.invalid_code',
  'identity.username_invalid',
  'identity.username_taken',
  'identity.email_invalid',
  'identity.name_invalid',
  'identity.tenant_invalid',
  'identity.password_too_short',
  'identity.password_too_long',
  'identity.password_too_simple',
  'identity.password_too_common',
  'identity.password_too_weak',
  'identity.password_mismatch',
  'identity.wrong_password',
  'identity.invalid_link',
  'identity.already_verified',
  'identity.too_many_links',
  'identity.invalid_refresh_token',
  'identity.account_not_found',
  'identity.unknown_role',
  'identity.last_administrator',
  'identity.not_oneself',
  'identity.not_allowed',
  'identity.idempotency_key_reused',
  'identity.busy',
] as const
export type IdentityErrorCode = (typeof identityErrors)[number]

/** Makes a DomainError of identity, to be thrown. */
export const refuse = (code: IdentityErrorCode, details?: Readonly<Record<string, unknown>>) =>
  new DomainError<IdentityErrorCode>(code, details)

/** Makes the DomainError of a password that is not worked on. */
export const busy = () => refuse('identity.busy', { retryAfterSeconds: 2 })
