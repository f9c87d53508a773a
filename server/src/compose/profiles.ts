import type { IdentityPort } from '../gateway/identity/port.ts'
import { systemClock as clock } from '../platform/clock.ts'
import { createReadCache } from '../platform/read-cache.ts'
import { createRedisReadCache } from '../platform/redis/read-cache.ts'
import { openObjectStore } from '../platform/storage/open-object-store.ts'
import * as profilesService from '../services/profiles/index.ts'
import { type AppContext, openStore } from './app-context.ts'

/** Profiles on its database, with accounts wherever they are. */
export async function openProfiles(appContext: AppContext, identity: IdentityPort) {
  const { config, contracts, redis, life, log } = appContext
  const store = openStore(appContext, 'profiles', profilesService.pruning)
  const name = 'people'
  const people = redis
    ? createRedisReadCache({ redis, name, seconds: 5, revive: profilesService.revivePeople })
    : createReadCache<profilesService.CachedPeople>({ name, notices: store.notices, max: 5_000 })
  life.onStop('cache of people', async () => people.close())
  const avatars = await openObjectStore(config.avatars)
  life.onStop('store of avatars', avatars.close)
  const service = profilesService.openProfiles({
    ...store,
    accounts: identity.accounts,
    people,
    announce: (contract, ...fact) =>
      Object.values(contracts)
        .find((one) => one.name === contract)
        ?.announceProfile?.(...fact),
    avatars,
    clock,
    log,
  })
  life.onStop('profiles', service.close)
  return { store, service }
}
