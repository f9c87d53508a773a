import { Refusal } from '../../platform/errors.ts'

/** Everything identity declines. Each contract's error table answers every one of them. */
export const identityErrors = [
  'identity.invalid_credentials',
  'identity.deactivated',
  'identity.username_invalid',
  'identity.username_taken',
  'identity.email_invalid',
  'identity.password_too_short',
  'identity.password_too_long',
  'identity.invalid_refresh_token',
  'identity.account_not_found',
  'identity.unknown_role',
  'identity.last_administrator',
  'identity.idempotency_key_reused',
  'identity.busy',
] as const
export type IdentityErrorCode = (typeof identityErrors)[number]

/** Makes an identity refusal, to be thrown. */
export const refuse = (code: IdentityErrorCode, details?: Readonly<Record<string, unknown>>) =>
  new Refusal<IdentityErrorCode>(code, details)
