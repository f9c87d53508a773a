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
  return {
    accounts: {
      find,
      create: (account, contract, idempotency) => create(account, realmNamed(contracts, contract), idempotency),
      proposeEmail: (accountId, email, contract, options) =>
        identity.proposeEmail(accountId, email, operator(realmNamed(contracts, contract)), options),
      rename,
      changeRole: (accountId, role, by, contract) => changeRole(accountId, role, by, realmNamed(contracts, contract)),
      remove: (accountId, by) => identity.deleteAccount(accountId, by),
      active,
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
      async create(account, contract, idempotency) {
        const key = idempotency && { ...idempotency, requestHash: idempotency.requestHash.toString('hex') }
        const body = { contract, account, idempotency: key }
        return (await ask<{ account: AccountSummary }>(identityPaths.create, body)).account
      },
      proposeEmail: (accountId, email, contract, options = {}) =>
        ask(identityPaths.proposeEmail, { accountId, email, contract, ...options }),
      rename: (accountId, displayName) => ask(identityPaths.rename, { accountId, displayName }),
      changeRole: (accountId, role, by, contract) => ask(identityPaths.changeRole, { accountId, role, by, contract }),
      async remove(accountId, by) {
        const body = { accountId, ...(by && { by }) }
        return (await ask<{ removed: boolean }>(identityPaths.remove, body)).removed
      },
      async active(accountIds) {
        return (await ask<{ active: string[] }>(identityPaths.active, { accountIds })).active
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
      return (await ask<{ stands: boolean }>(identityPaths.isTokenActive, { sid, uid, ver })).stands
    },
    jwks: () => client.call('GET', identityPaths.jwks),
  }
}
