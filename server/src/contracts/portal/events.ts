import type { AnnounceProfile, ProfileFact } from '../../services/profiles/index.ts'

/** The portal's names for what happens to a user; nothing is told of what the portal does not show. */
const eventTypes: Readonly<Record<ProfileFact, string | undefined>> = {
  created: 'user.created',
  changed: 'user.updated',
  changed_by_administrator: 'user.updated',
  role_changed: 'user.updated',
  avatar_changed: undefined,
  avatar_removed: undefined,
  removed: 'user.deleted',
}

export const announceProfile: AnnounceProfile = (fact, { number }, at) => {
  const type = eventTypes[fact]
  return type === undefined ? undefined : { type, data: { id: number, time: at.toISOString() } }
}
