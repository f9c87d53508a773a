import type { AnnounceProfile, ProfileFact } from '../../services/profiles/index.ts'
import { envelopeOf } from './realm.ts'

/** The helpdesk's names for what happens to a profile. */
const eventTypes: Readonly<Record<ProfileFact, string>> = {
  created: 'profile.created',
  changed: 'profile.updated',
  changed_by_administrator: 'user.admin_updated',
  role_changed: 'user.role_changed',
  avatar_changed: 'avatar.updated',
  avatar_removed: 'avatar.deleted',
  removed: 'user.deleted',
}

/** The helpdesk's own event for what happened to a profile. */
export const announceProfile: AnnounceProfile = (fact, { accountId, email, role }, at) => ({
  type: eventTypes[fact],
  data: {
    userId: accountId,
    ...(email !== null && { email }),
    ...(role !== undefined && { role }),
    ...envelopeOf('user-service', at),
  },
})
