import type { IdentityParts } from './compose-identity.ts'
import type { Contract } from './contracts/_kit/contract.ts'
import { systemClock as clock } from './platform/clock.ts'
import { createAskingVerifier } from './platform/http/asked-tokens.ts'
import { jwksKeySource, localKeySource } from './platform/http/key-source.ts'
import { redisTokenCache } from './platform/http/redis-token-cache.ts'
import type { RevocationList } from './platform/http/revocation-list.ts'
import { layeredTokenCache, memoryTokenCache } from './platform/http/token-cache.ts'
import { createTokenVerifier, type TokenVerifier } from './platform/http/token-verifier.ts'
import type { Plan } from './topologies.ts'
import { secretOf, type World } from './world.ts'

/** One verifier a contract, shared by all listeners of the process. */
export function verifiers(
  world: World & { plan: Plan },
  { identity, revocations }: { identity: IdentityParts; revocations: RevocationList },
) {
  const { config, plan } = world
  const keys = identity.service ? localKeySource(identity.service.keys.jwks) : jwksKeySource(identity.port.jwks, clock)
  const checkedHere = ({ name }: Contract): TokenVerifier =>
    createTokenVerifier({
      audience: name,
      secret: secretOf(config, name),
      keys,
      revocations,
      askIdentity: identity.port.tokenStands,
      clock,
    })
  const asked = ({ deployment: { introspection }, name }: Contract): TokenVerifier | undefined => {
    if (!introspection || identity.service || plan.topology !== name) return undefined
    const authority = introspection.open({
      url: config.serviceUrls.identity,
      timeoutMs: config.upstreamTimeoutMs,
      serviceToken: world.internalToken,
    })
    world.life.onStop('token authority', authority.close)
    const { redis } = world
    const prefix = introspection.cachePrefix
    const shared = redis && redisTokenCache({ redis, prefix, key: world.deriveKey('token-cache') })
    const cache = shared ? layeredTokenCache(memoryTokenCache(), shared) : memoryTokenCache()
    return createAskingVerifier({ authority, cache, revocations, clock })
  }
  // All of them now, so that what they hold is stopped after the listeners.
  const made = new Map(
    plan.contracts.map((name) => [name as string, asked(world.contracts[name]) ?? checkedHere(world.contracts[name])]),
  )
  return (contract: Contract): TokenVerifier => made.get(contract.name) ?? checkedHere(contract)
}
