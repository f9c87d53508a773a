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
  /** Hexadecimal. */
  requestHash: Type.String(),
})

const CreateBody = Type.Object({
  realm: Type.String(),
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
  realm: Type.String(),
  tellTaken: Type.Optional(Type.Boolean()),
})
const RemovalBody = Type.Object({ accountId: Uuid, realm: Type.String(), by: Type.Optional(Uuid) })
const ActiveBody = Type.Object({ accountIds: Type.Array(Uuid, { maxItems: 1_000 }), realm: Type.String() })
const NameBody = Type.Object({ accountId: Uuid, displayName: Type.String() })
const RoleBody = Type.Object({ accountId: Uuid, role: Type.String(), by: Uuid, realm: Type.String() })
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
  remove: '/internal/identity/remove-member',
  active: '/internal/identity/active-members',
  isTokenActive: '/internal/identity/is-token-active',
  revocations: '/internal/identity/revocations',
  jwks: '/.well-known/jwks.json',
} as const

export function identityRoutes(app: FastifyInstance, identity: Identity, contracts: Contracts): void {
  const { internalApi } = identity
  const of = (realm: string) => realmNamed(contracts, realm)
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
  serve(identityPaths.create, CreateBody, async ({ realm, account, idempotency }) => {
    const key = idempotency && { ...idempotency, requestHash: Buffer.from(idempotency.requestHash, 'hex') }
    return { account: await internalApi.create(account, of(realm), key) }
  })
  serve(identityPaths.proposeEmail, EmailBody, ({ accountId, email, realm, ...options }) =>
    identity.proposeEmail(accountId, email, operator(of(realm)), options),
  )
  serve(identityPaths.rename, NameBody, ({ accountId, displayName }) => internalApi.rename(accountId, displayName))
  serve(identityPaths.changeRole, RoleBody, ({ accountId, role, by, realm }) =>
    internalApi.changeRole(accountId, role, by, of(realm)),
  )
  serve(identityPaths.remove, RemovalBody, async ({ accountId, realm, by }) => ({
    removed: await identity.removeMember(
      accountId,
      operator(of(realm)),
      by === undefined ? undefined : { accountId: by },
    ),
  }))
  serve(identityPaths.active, ActiveBody, async ({ accountIds, realm }) => ({
    active: await internalApi.active(accountIds, of(realm)),
  }))
  serve(identityPaths.isTokenActive, ReferenceBody, async (reference) => ({
    active: await identity.isTokenActive(reference),
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
