import { type Contracts, termsOf } from '../contracts/registry.ts'
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
  return {
    accounts: {
      find: identity.findAccount,
      async create(account, contract, idempotency) {
        const made = await identity.createAccount(account, operator(termsOf(contracts, contract)), idempotency)
        return made.account
      },
      proposeEmail: (accountId, email, contract) =>
        identity.proposeEmail(accountId, email, operator(termsOf(contracts, contract))),
      remove: identity.deleteAccount,
    },
    revocations: identity.revocations,
    tokenStands: identity.tokenStands,
    jwks: async () => identity.keys.jwks(),
  }
}

/** Identity in another process. */
export function identityOverHttp(client: InternalClient): IdentityPort {
  return {
    accounts: {
      async find(accountId) {
        const { account } = await client.call<{ account: AccountSummary | null }>('POST', identityPaths.find, {
          body: { accountId },
        })
        return account ?? undefined
      },
      async create(account, contract, idempotency) {
        const key = idempotency && { ...idempotency, requestHash: idempotency.requestHash.toString('hex') }
        const body = { contract, account, idempotency: key }
        const answer = await client.call<{ account: AccountSummary }>('POST', identityPaths.create, { body })
        return answer.account
      },
      proposeEmail: (accountId, email, contract) =>
        client.call('POST', identityPaths.proposeEmail, { body: { accountId, email, contract } }),
      remove: (accountId) => client.call('POST', identityPaths.remove, { body: { accountId } }),
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
      const { stands } = await client.call<{ stands: boolean }>('POST', identityPaths.tokenStands, {
        body: { sid, uid, ver },
      })
      return stands
    },
    jwks: () => client.call('GET', identityPaths.jwks),
  }
}
