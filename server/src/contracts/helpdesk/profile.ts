import type { Profile } from '../../services/profiles/index.ts'
import { reply, route } from '../_kit/contract.ts'
import { memoize } from '../_kit/memoize.ts'
import { operations } from '../_kit/operations.ts'
import { validationError } from './errors.ts'
import { changed, ProfileBody } from './profile-fields.ts'
import { ChangedProfile, ProfileAnswer, profileOf } from './user-wire.ts'
import { Failure } from './wire.ts'

const alias = '/api/v1/users/profile'

const ownProfile = memoize((own: Profile) => ({ success: true, data: profileOf(own) }) as const)

const readProfile = route('profiles', 'GET', '/api/profile/me', {
  summary: "The caller's profile; it is made at its first reading",
  access: 'person',
  replies: { 200: ProfileAnswer, 404: Failure },
  async handler(profiles, { claims, context }) {
    return reply(200, ownProfile(await profiles.read({ accountId: claims.uid }, context)))
  },
})

const changeProfile = route('profiles', 'PUT', '/api/profile/me', {
  summary: "Change the caller's profile; preferences are merged with those that are set",
  access: 'person',
  body: ProfileBody,
  replies: { 200: ChangedProfile, 400: Failure, 404: Failure },
  validationError,
  async handler(profiles, { body, claims, context }) {
    const present = await profiles.read({ accountId: claims.uid }, context)
    return changed(body, present, (changes) => profiles.change(claims.uid, changes, context))
  },
})

export const profileRoutes = operations(
  'Profile',
  { readProfile, changeProfile },
  { readProfile: alias, changeProfile: alias },
)
