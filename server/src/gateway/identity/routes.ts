import type { FastifyInstance } from 'fastify'
import Type, { type Static, type TSchema } from 'typebox'
import { type Contracts, realmNamed } from '../../contracts/configured.ts'
import { Uuid } from '../../platform/http/schema.ts'
import type { Identity } from '../../services/identity/index.ts'
import { operator } from '../../services/realm/index.ts'

/** What our other processes ask of identity: the HTTP side of the ports in `port.ts`. */

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
    username: Type.Optional(Type.String()),
    email: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    displayName: Type.Optional(Type.String()),
    role: Type.Optional(Type.String()),
  }),
  idempotency: Type.Optional(Key),
})

const AccountBody = Type.Object({ accountId: Uuid })
const EmailBody = Type.Object({
  accountId: Uuid,
  email: Type.String({ maxLength: 254 }),
  contract: Type.String(),
  tellTaken: Type.Optional(Type.Boolean()),
  administratorId: Type.Optional(Uuid),
})
const RemovalBody = Type.Object({
  accountId: Uuid,
  by: Type.Optional(Type.Object({ administratorId: Uuid, contract: Type.String() })),
})
const ActiveBody = Type.Object({ accountIds: Type.Array(Uuid, { maxItems: 1_000 }) })
const NameBody = Type.Object({ accountId: Uuid, displayName: Type.String() })
const RoleBody = Type.Object({ accountId: Uuid, role: Type.String(), by: Uuid, contract: Type.String() })
const ReferenceBody = Type.Object({ sid: Type.String(), uid: Type.String(), ver: Type.Integer() })
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
  rename: '/internal/identity/rename-account',
  changeRole: '/internal/identity/change-role',
  remove: '/internal/identity/delete-account',
  active: '/internal/identity/active-accounts',
  isTokenActive: '/internal/identity/token-stands',
  revocations: '/internal/identity/revocations',
  jwks: '/.well-known/jwks.json',
} as const

export function identityRoutes(app: FastifyInstance, identity: Identity, contracts: Contracts): void {
  const { internalApi } = identity
  const of = (contract: string) => realmNamed(contracts, contract)
  /** One question; when what is done for it has no answer, that is a 204. */
  const serve = <Body extends TSchema>(url: string, schema: Body, work: (body: Static<Body>) => Promise<unknown>) => {
    app.post(
      url,
      { schema: { body: schema } },
      // Validated by its schema.
      async ({ body }, reply) => (await work(body as Static<Body>)) ?? reply.code(204).send(),
    )
  }
  serve(identityPaths.find, AccountBody, async ({ accountId }) => ({
    account: (await internalApi.find(accountId)) ?? null,
  }))
  serve(identityPaths.create, CreateBody, async ({ contract, account, idempotency }) => {
    const key = idempotency && { ...idempotency, requestHash: Buffer.from(idempotency.requestHash, 'hex') }
    return { account: await internalApi.create(account, of(contract), key) }
  })
  serve(identityPaths.proposeEmail, EmailBody, ({ accountId, email, contract, ...options }) =>
    identity.proposeEmail(accountId, email, operator(of(contract)), options),
  )
  serve(identityPaths.rename, NameBody, ({ accountId, displayName }) => internalApi.rename(accountId, displayName))
  serve(identityPaths.changeRole, RoleBody, ({ accountId, role, by, contract }) =>
    internalApi.changeRole(accountId, role, by, of(contract)),
  )
  serve(identityPaths.remove, RemovalBody, async ({ accountId, by }) => ({
    removed: await identity.deleteAccount(accountId, by),
  }))
  serve(identityPaths.active, ActiveBody, async ({ accountIds }) => ({
    active: await internalApi.active(accountIds),
  }))
  serve(identityPaths.isTokenActive, ReferenceBody, async (reference) => ({
    stands: await identity.isTokenActive(reference),
  }))
  app.post<{ Body: Static<typeof RevocationsBody> }>(
    identityPaths.revocations,
    { schema: { body: RevocationsBody } },
    async ({ body }, reply) => {
      // Of a request with a body, its own signal aborts as soon as the body was read.
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      return identity.revocations.next({ ...body, signal: gone.signal })
    },
  )
}

/** The public keys, for everybody (RFC 7517). */
export function publicKeyRoute(app: FastifyInstance, identity: Identity): void {
  app.get(identityPaths.jwks, async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(identity.keys.jwks()),
  )
}
