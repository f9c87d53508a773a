import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { type Contracts, termsOf } from '../contracts/registry.ts'
import { Uuid } from '../platform/http/schema.ts'
import { type AccountView, type Identity, operator } from '../services/identity/index.ts'

/** What our other processes ask of identity: the HTTP side of the ports in `identity-port.ts`. */

const Key = Type.Object({
  accountId: Type.String(),
  route: Type.String(),
  key: Type.String(),
  /** Hexadecimal SHA-256. */
  requestHash: Type.String(),
})

const CreateBody = Type.Object({
  contract: Type.String(),
  account: Type.Object({
    username: Type.String(),
    email: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
  }),
  idempotency: Type.Optional(Key),
})
type CreateBody = Static<typeof CreateBody>

const AccountBody = Type.Object({ accountId: Uuid })
const EmailBody = Type.Object({ accountId: Uuid, email: Type.String({ maxLength: 254 }), contract: Type.String() })
const MarksBody = Type.Object({ sid: Type.String(), uid: Type.String(), ver: Type.Integer() })
const RevocationsBody = Type.Object({
  reader: Type.String({ maxLength: 64 }),
  cursor: Type.String({ pattern: '^[0-9]{1,20}$' }),
  revision: Type.Number(),
  waitMs: Type.Integer({ minimum: 0, maximum: 20_000 }),
})

export const identityPaths = {
  find: '/internal/identity/find-account',
  create: '/internal/identity/create-account',
  proposeEmail: '/internal/identity/propose-email',
  remove: '/internal/identity/delete-account',
  tokenStands: '/internal/identity/token-stands',
  revocations: '/internal/identity/revocations',
  jwks: '/.well-known/jwks.json',
} as const

export function identityRoutes(app: FastifyInstance, identity: Identity, contracts: Contracts): void {
  app.post<{ Body: Static<typeof AccountBody> }>(
    identityPaths.find,
    { schema: { body: AccountBody } },
    async ({ body }) => ({
      account: summaryOf(await identity.findAccount(body.accountId)),
    }),
  )
  app.post<{ Body: CreateBody }>(identityPaths.create, { schema: { body: CreateBody } }, async ({ body }) => {
    const { contract, account, idempotency } = body
    const key = idempotency && { ...idempotency, requestHash: Buffer.from(idempotency.requestHash, 'hex') }
    const made = await identity.createAccount(account, operator(termsOf(contracts, contract)), key)
    return { account: summaryOf(made.account) }
  })
  app.post<{ Body: Static<typeof EmailBody> }>(
    identityPaths.proposeEmail,
    { schema: { body: EmailBody } },
    async ({ body }, reply) => {
      await identity.proposeEmail(body.accountId, body.email, operator(termsOf(contracts, body.contract)))
      return reply.code(204).send()
    },
  )
  app.post<{ Body: Static<typeof AccountBody> }>(
    identityPaths.remove,
    { schema: { body: AccountBody } },
    async ({ body }, reply) => {
      await identity.deleteAccount(body.accountId)
      return reply.code(204).send()
    },
  )
  app.post<{ Body: Static<typeof MarksBody> }>(
    identityPaths.tokenStands,
    { schema: { body: MarksBody } },
    async ({ body }) => ({
      stands: await identity.tokenStands(body),
    }),
  )
  app.post<{ Body: Static<typeof RevocationsBody> }>(
    identityPaths.revocations,
    { schema: { body: RevocationsBody } },
    async ({ body, signal }) => identity.revocations.next({ ...body, signal }),
  )
}

/** What the other services are told of an account. */
const summaryOf = (account: AccountView | undefined) =>
  account ? { id: account.id, number: account.number, username: account.username, email: account.email } : null

/** The public keys, for everybody (RFC 7517). */
export function publicKeyRoute(app: FastifyInstance, identity: Identity): void {
  app.get(identityPaths.jwks, async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(identity.keys.jwks()),
  )
}
