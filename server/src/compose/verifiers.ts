import type { Plan } from '../config/topologies.ts'
import type { Contract } from '../contracts/_kit/contract.ts'
import { systemClock as clock } from '../platform/clock.ts'
import { layeredTokenCache, memoryTokenCache } from '../platform/tokens/cache.ts'
import { createIntrospectingVerifier } from '../platform/tokens/introspection.ts'
import { jwksKeySource, localKeySource } from '../platform/tokens/key-source.ts'
import { redisTokenCache } from '../platform/tokens/redis-cache.ts'
import type { RevocationList } from '../platform/tokens/revocation-list.ts'
import { createTokenVerifier, type TokenVerifier } from '../platform/tokens/verifier.ts'
import { type AppContext, secretOf } from './app-context.ts'
import type { IdentityParts } from './identity.ts'

/** One verifier a contract, shared by all listeners of the process. */
export function verifiers(
  appContext: AppContext & { plan: Plan },
  { identity, revocations }: { identity: IdentityParts; revocations: RevocationList },
) {
  const { config, plan } = appContext
  const keys = identity.service ? localKeySource(identity.service.keys.jwks) : jwksKeySource(identity.port.jwks, clock)
  const checkedHere = ({ name }: Contract): TokenVerifier =>
    createTokenVerifier({
      audience: name,
      secret: secretOf(config, name),
      keys,
      revocations,
      introspect: identity.port.isTokenActive,
      clock,
    })
  const introspected = ({ deployment: { introspection }, name }: Contract): TokenVerifier | undefined => {
    if (!introspection || identity.service || plan.topology !== name) return undefined
    const authority = introspection.open({
      url: config.serviceUrls.identity,
      timeoutMs: config.upstreamTimeoutMs,
      serviceToken: appContext.internalToken,
    })
    appContext.life.onStop('token authority', authority.close)
    const { redis } = appContext
    const prefix = introspection.cachePrefix
    const shared = redis && redisTokenCache({ redis, prefix, key: appContext.deriveKey('token-cache') })
    const cache = shared ? layeredTokenCache(memoryTokenCache(), shared) : memoryTokenCache()
    return createIntrospectingVerifier({ authority, cache, revocations, realm: name, clock })
  }
  // All of them now, so that what they hold is stopped after the listeners.
  const made = new Map(
    plan.contracts.map((name) => [
      name as string,
      introspected(appContext.contracts[name]) ?? checkedHere(appContext.contracts[name]),
    ]),
  )
  return (contract: Contract): TokenVerifier => made.get(contract.name) ?? checkedHere(contract)
}
