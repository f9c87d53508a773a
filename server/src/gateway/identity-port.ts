import { type Contracts, termsOf } from '../contracts/configured.ts'
import { Refusal, refuseAtEdge } from '../platform/errors.ts'
import type { InternalClient } from '../platform/http/internal-client.ts'
import type { RevocationFeed, RevocationPage, TokenMarks } from '../platform/http/revocation-list.ts'
import { type Identity, operator, type PublicJwk } from '../services/identity/index.ts'
import type { AccountSummary, Accounts } from '../services/profiles/index.ts'
import { identityPaths } from './identity-routes.ts'

/** What the edge and the other services need of identity, wherever it runs. */
export interface IdentityPort {
  accounts: Accounts
  revocations: RevocationFeed
  tokenStands(marks: TokenMarks): Promise<boolean>
  jwks(): Promise<{ keys: readonly PublicJwk[] }>
}

/** Identity in this process: direct calls. */
export function identityHere(identity: Identity, contracts: Contracts): IdentityPort {
  const { find, create, rename, changeRole } = identity.forServices
  return {
    accounts: {
      find,
      create: (account, contract, idempotency) => create(account, termsOf(contracts, contract), idempotency),
      proposeEmail: (accountId, email, contract, options) =>
        identity.proposeEmail(accountId, email, operator(termsOf(contracts, contract)), options),
      rename,
      changeRole: (accountId, role, by, contract) => changeRole(accountId, role, by, termsOf(contracts, contract)),
      remove: (accountId, by) => identity.deleteAccount(accountId, by),
    },
    revocations: identity.revocations,
    tokenStands: identity.tokenStands,
    jwks: async () => identity.keys.jwks(),
  }
}

/** Identity in another process. What is asked of it in a request's course is refused with `edge.identity_unavailable` while it is away. */
export function identityOverHttp(client: InternalClient): IdentityPort {
  const ask = <Answer>(path: string, body: object): Promise<Answer> =>
    client.call<Answer>('POST', path, { body }).catch((error: unknown) => {
      if (!(error instanceof Refusal && error.code === 'edge.unavailable')) throw error
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
      remove: (accountId, by) => ask(identityPaths.remove, { accountId, ...(by && { by }) }),
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
    async tokenStands(marks) {
      const { sid, uid, ver } = marks
      return (await ask<{ stands: boolean }>(identityPaths.tokenStands, { sid, uid, ver })).stands
    },
    jwks: () => client.call('GET', identityPaths.jwks),
  }
}
