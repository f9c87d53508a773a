import { type Contracts, realmNamed } from '../../contracts/configured.ts'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import type { InternalClient } from '../../platform/http/internal-client.ts'
import type { RevocationFeed, RevocationPage, TokenReference } from '../../platform/tokens/revocation-list.ts'
import type { Identity, PublicJwk } from '../../services/identity/index.ts'
import type { AccountSummary, Accounts } from '../../services/profiles/index.ts'
import { operator } from '../../services/realm/index.ts'
import { identityPaths } from './routes.ts'

/** What the edge and the other services need of identity, wherever it runs. */
export interface IdentityPort {
  accounts: Accounts
  revocations: RevocationFeed
  isTokenActive(reference: TokenReference): Promise<boolean>
  jwks(): Promise<{ keys: readonly PublicJwk[] }>
}

/** Identity in this process: direct calls. */
export function identityHere(identity: Identity, contracts: Contracts): IdentityPort {
  const { find, create, rename, changeRole, active } = identity.internalApi
  const of = (realm: string) => realmNamed(contracts, realm)
  return {
    accounts: {
      find,
      create: (account, realm, idempotency) => create(account, of(realm), idempotency),
      proposeEmail: (accountId, email, realm, options) =>
        identity.proposeEmail(accountId, email, operator(of(realm)), options),
      rename,
      changeRole: (accountId, role, by, realm) => changeRole(accountId, role, by, of(realm)),
      remove: (accountId, realm, by) =>
        identity.removeMember(accountId, operator(of(realm)), by === undefined ? undefined : { accountId: by }),
      active: (accountIds, realm) => active(accountIds, of(realm)),
    },
    revocations: identity.revocations,
    isTokenActive: identity.isTokenActive,
    jwks: async () => identity.keys.jwks(),
  }
}

/** Identity in another process. What is asked of it in a request's course is refused with `edge.identity_unavailable` while it is away. */
export function identityOverHttp(client: InternalClient): IdentityPort {
  const ask = <Answer>(path: string, body: object): Promise<Answer> =>
    client.call<Answer>('POST', path, { body }).catch((error: unknown) => {
      if (!(error instanceof DomainError && error.code === 'edge.unavailable')) throw error
      throw refuseAtEdge('edge.identity_unavailable', error.details, error.cause)
    })
  return {
    accounts: {
      async find(accountId) {
        const { account } = await ask<{ account: AccountSummary | null }>(identityPaths.find, { accountId })
        return account ?? undefined
      },
      async create(account, realm, idempotency) {
        const key = idempotency && { ...idempotency, requestHash: idempotency.requestHash.toString('hex') }
        const body = { realm, account, idempotency: key }
        return (await ask<{ account: AccountSummary }>(identityPaths.create, body)).account
      },
      proposeEmail: (accountId, email, realm, options = {}) =>
        ask(identityPaths.proposeEmail, { accountId, email, realm, ...options }),
      rename: (accountId, displayName) => ask(identityPaths.rename, { accountId, displayName }),
      changeRole: (accountId, role, by, realm) => ask(identityPaths.changeRole, { accountId, role, by, realm }),
      async remove(accountId, realm, by) {
        const body = { accountId, realm, ...(by && { by }) }
        return (await ask<{ removed: boolean }>(identityPaths.remove, body)).removed
      },
      async active(accountIds, realm) {
        return (await ask<{ active: string[] }>(identityPaths.active, { accountIds, realm })).active
      },
    },
    revocations: {
      next({ signal, ...body }) {
        const deadlineMs = body.waitMs + 3_000
        return client.call<RevocationPage>('POST', identityPaths.revocations, {
          body,
          deadlineMs,
          ...(signal && { signal }),
        })
      },
    },
    async isTokenActive(reference) {
      const { sid, uid, ver } = reference
      return (await ask<{ active: boolean }>(identityPaths.isTokenActive, { sid, uid, ver })).active
    },
    jwks: () => client.call('GET', identityPaths.jwks),
  }
}
