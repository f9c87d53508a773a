import Type from 'typebox'
import type { Documentation } from '../_kit/openapi/documentation.ts'
import { SecondCall } from '../_kit/second-factor.ts'
import fields from './fields.json' with { type: 'json' }
import { OptionalToken } from './fields.ts'
import { Preferences } from './preferences.ts'
import { ProfileBody } from './profile-fields.ts'
import { Activity, ChangedProfile, ListedProfile, Profile, ProfileAnswer } from './user-wire.ts'
import { NotVerified, Verified } from './verify.ts'
import { Failure, LongUser, Message, ShortUser, Tokens, UserWithColumns } from './wire.ts'

const admin = { email: 'admin@helpdesk.example', password: 'Admin123!' }

/** What the helpdesk's OpenAPI document says beside its routes. */
export const documentation: Documentation = {
  description: `Two services of a help desk: one signs people in and vouches for their tokens, one keeps their profiles.

Begin with \`POST /api/auth/login\`: in development \`${admin.email}\` has the password \`${admin.password}\`. Send the
\`accessToken\` as Bearer; the refresh token is a cookie as well. Moments are ISO 8601 in UTC, messages French.`,
  tags: {
    'Sign in': 'Accounts, and the tokens that stand for one',
    Accounts: 'What the auth service knows of people; other services ask here too',
    Profile: "The caller's profile, its picture, and what happened to it",
    Administration: 'Everybody, for administrators',
    'Other services': 'What services of the same installation tell each other',
    About: 'Whether the auth service answers, and to what',
  },
  schemas: {
    Failure,
    Message,
    SecondCall,
    Account: LongUser,
    ShortAccount: ShortUser,
    AccountWithColumns: UserWithColumns,
    SignedIn: Tokens,
    GivenToken: Type.Object({ refreshToken: OptionalToken }),
    ValidToken: Verified,
    InvalidToken: NotVerified,
    Profile,
    ListedProfile,
    ProfileAnswer,
    ChangedProfile,
    ProfileChanges: ProfileBody,
    Preferences,
    Activity,
  },
  fields,
}
