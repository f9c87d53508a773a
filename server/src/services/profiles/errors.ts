import { DomainError } from '../../platform/errors.ts'

/** Everything profiles declines. The error table of each contract that uses it answers every one of them. */
export const profilesErrors = [
  'profiles.not_found',
  'profiles.nothing_to_change',
  /** More than 8 KiB with those that are kept. */
  'profiles.preferences_too_large',
  /** No file, several, or one under another name. */
  'profiles.upload_missing',
  'profiles.upload_too_large',
  'profiles.not_an_image',
  /** More pixels than are decoded. */
  'profiles.image_too_large',
  'profiles.image_damaged',
  /** More images are being worked on than we take on. */
  'profiles.busy',
] as const
export type ProfilesErrorCode = (typeof profilesErrors)[number]

/** Makes a DomainError of profiles, to be thrown. */
export const refuse = (code: ProfilesErrorCode, details?: Readonly<Record<string, unknown>>) =>
  new DomainError<ProfilesErrorCode>(code, details)

/** Makes the DomainError of an image that is not worked on. */
export const busy = () => refuse('profiles.busy', { retryAfterSeconds: 2 })
