import { systemClock } from '../../platform/clock.ts'
import type { Statement } from '../../platform/db/database.ts'
import { pruneInbox, pruneOutbox } from '../../platform/db/pruning.ts'
import type { ObjectStore } from '../../platform/storage/object-store.ts'
import { addPerson } from './add-person.ts'
import { openAvatars } from './avatars/index.ts'
import { changeProfile } from './change-profile.ts'
import { changeRole } from './change-role.ts'
import { accountHandlers, followAccounts as follow } from './consumers/follow-accounts.ts'
import { countProfiles } from './count-profiles.ts'
import type { Deps } from './deps.ts'
import { finishProfiles } from './finish-profiles.ts'
import { readProfiles } from './read-profiles.ts'
import { registerProfile } from './register-profile.ts'
import { removePerson } from './remove-person.ts'
import { searchProfiles } from './search-profiles.ts'
import * as store from './store/index.ts'
import * as retention from './store/pruning.ts'

export type { AccountSummary, Accounts } from './accounts-port.ts'
export type { ProfileActivity } from './activity.ts'
export type { CachedPeople } from './deps.ts'
export type { ProfilesErrorCode } from './errors.ts'
export type { AnnounceProfile, ProfileFact } from './facts.ts'
export type { Profile, ProfileFields } from './profile.ts'
export { revivePeople } from './read-profiles.ts'
export type { ListedProfile, ProfileSearch } from './search-profiles.ts'
/** Where profiles' migrations lie. */
export const migrations = { name: 'profiles', directory: `${import.meta.dirname}/migrations` }

export interface ProfilesOptions extends Deps {
  /** Where the images of avatars are kept. */
  avatars: ObjectStore
  /** Milliseconds that an image may wait for its turn; 3,000 when absent. */
  imageWaitMs?: number
}

/** Who people are, beside their accounts: names, address, phone, department, avatar, preferences. */
export type Profiles = ReturnType<typeof openProfiles>

export function openProfiles(deps: ProfilesOptions) {
  const { database } = deps
  const avatars = openAvatars(deps, deps.imageWaitMs)
  const finishing = finishProfiles(deps)
  return {
    ...readProfiles(deps),
    add: addPerson(deps),
    change: changeProfile(deps),
    changeRole: changeRole(deps),
    remove: removePerson({ ...deps, discard: avatars.discard }),
    register: registerProfile(deps),
    search: searchProfiles(deps),
    statistics: countProfiles(deps),
    /** A page of an account's log, newest first, with how many entries there are in all. */
    activities: (by: store.ActivityFilter) => store.listActivities(database, by),
    /** What the consumer of identity's events does. */
    follows: follow({ ...deps, lookForOrphans: avatars.lookForOrphans }),
    changeAvatar: avatars.change,
    removeAvatar: avatars.remove,
    /** The JPEG of an avatar, by its key. */
    avatar: avatars.read,
    async close() {
      await Promise.all([avatars.close(), finishing.stop()])
    },
  }
}

/** What a replay of dead letters does: it takes events at their word, and announces nothing. */
export const followAccounts = accountHandlers({ announce: () => undefined, clock: systemClock })

/** What profiles forgets, and after how long. */
export const pruning: readonly (() => Statement<unknown>)[] = [
  retention.pruneActivities,
  retention.pruneActivityTotals,
  retention.eraseFurther,
  retention.markErased,
  retention.pruneRemoved,
  retention.pruneTotals,
  retention.pruneDepartments,
  pruneOutbox,
  pruneInbox,
]
