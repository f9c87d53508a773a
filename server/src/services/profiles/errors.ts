import { Refusal } from '../../platform/errors.ts'

/** Everything profiles declines. Each contract's error table answers every one of them. */
export const profilesErrors = ['profiles.not_found', 'profiles.nothing_to_change'] as const
export type ProfilesErrorCode = (typeof profilesErrors)[number]

/** Makes a profiles refusal, to be thrown. */
export const refuse = (code: ProfilesErrorCode) => new Refusal<ProfilesErrorCode>(code)
