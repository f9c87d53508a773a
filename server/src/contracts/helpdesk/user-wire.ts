import Type from 'typebox'
import type {
  ListedProfile as CoreListedProfile,
  Profile as CoreProfile,
  ProfileActivity,
} from '../../services/profiles/index.ts'
import { Preferences, preferencesOf } from './preferences.ts'

/** The shapes of the user service on the wire. */

const NullableText = Type.Union([Type.String(), Type.Null()])

export const Profile = Type.Object({
  id: Type.String(),
  userId: Type.String(),
  email: NullableText,
  firstName: NullableText,
  lastName: NullableText,
  phone: NullableText,
  department: NullableText,
  jobTitle: NullableText,
  avatarUrl: NullableText,
  preferences: Preferences,
  createdAt: Type.String(),
  updatedAt: Type.String(),
})

/** As administrators list it: with what the account is and whether it signs in. */
export const ListedProfile = Type.Object({ ...Profile.properties, role: Type.String(), isActive: Type.Boolean() })

/** Where avatars are served, whoever asks: their names cannot be guessed. */
export const avatarsPath = '/api/profile/avatars'

/** The address of an avatar on the listener that told of it; null for none. */
export const avatarUrlOf = ({ avatarKey }: Pick<CoreProfile, 'avatarKey'>): string | null =>
  avatarKey === null ? null : `${avatarsPath}/${avatarKey}.jpg`

/** A profile has the id of its account. */
export const profileOf = (profile: CoreProfile): Type.Static<typeof Profile> => ({
  id: profile.accountId,
  userId: profile.accountId,
  email: profile.email,
  firstName: profile.firstName,
  lastName: profile.lastName,
  phone: profile.phone,
  department: profile.department,
  jobTitle: profile.jobTitle,
  avatarUrl: avatarUrlOf(profile),
  preferences: preferencesOf(profile.preferences),
  createdAt: profile.createdAt.toISOString(),
  updatedAt: (profile.updatedAt ?? profile.createdAt).toISOString(),
})

export const listedProfileOf = (profile: CoreListedProfile): Type.Static<typeof ListedProfile> => ({
  ...profileOf(profile),
  role: profile.role,
  isActive: profile.active,
})

export const ProfileAnswer = Type.Object({ success: Type.Literal(true), data: Profile })
export const ChangedProfile = Type.Object({ ...ProfileAnswer.properties, message: Type.String() })

export const Activity = Type.Object({
  id: Type.Integer(),
  userId: Type.String(),
  activityType: Type.String(),
  activityData: Type.Record(Type.String(), Type.Unknown()),
  ipAddress: NullableText,
  userAgent: NullableText,
  createdAt: Type.String(),
})

export const activityOf = (activity: ProfileActivity): Type.Static<typeof Activity> => ({
  id: activity.id,
  userId: activity.accountId,
  activityType: activity.type,
  activityData: activity.data,
  ipAddress: activity.ip,
  userAgent: activity.userAgent,
  createdAt: activity.createdAt.toISOString(),
})
