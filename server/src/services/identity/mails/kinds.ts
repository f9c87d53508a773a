/** What identity writes to people about. */
export const mailKinds = [
  'verify_email',
  'reset_password',
  'mfa_code',
  'password_changed',
  'account_locked',
  'account_locked_by_codes',
  'codes_guessed',
  'locked_everywhere',
  'new_device',
  'confirm_address',
  'address_changed',
  'invited',
  'joined',
  'added',
  'how_to_join',
] as const
export type MailKind = (typeof mailKinds)[number]

/** False for what another version of this program may have queued. */
export const isMailKind = (kind: string): kind is MailKind => (mailKinds as readonly string[]).includes(kind)
