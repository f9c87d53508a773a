import type { Static, TSchema } from 'typebox'
import type { IdempotencyKey } from '../../platform/db/idempotency.ts'
import type { EdgeErrorCode } from '../../platform/errors.ts'
import type { AccessClaims, TokenVerifier } from '../../platform/http/token-verifier.ts'
import type { Client, Identity, IdentityErrorCode, Terms } from '../../services/identity/index.ts'
import type { Orders, OrdersErrorCode } from '../../services/orders/index.ts'
import type { Profiles, ProfilesErrorCode } from '../../services/profiles/index.ts'

/** The services a route can belong to. */
export interface Services {
  identity: Identity
  profiles: Profiles
  orders: Orders
}
export type ServiceName = keyof Services
export const serviceNames = ['identity', 'profiles', 'orders'] as const satisfies readonly ServiceName[]

/** Every code that a request can end with. A contract's error table answers all of them. */
export type ErrorCode = EdgeErrorCode | IdentityErrorCode | ProfilesErrorCode | OrdersErrorCode

/** What a contract answers to one code. */
export interface ErrorAnswer {
  status: number
  code: string
  message: string
}
export type ErrorTable = Readonly<Record<ErrorCode, ErrorAnswer>>

/** Which limit a request counts against. */
export type LimitClass = 'credentials' | 'write' | 'read'

/** Requests allowed per minute, for one address or, when signed in, one account. */
export type Limits = Readonly<Record<LimitClass, number>>

/** Who may call a route; `administrator` is whoever holds the contract's administrator role. */
export type Access = 'public' | 'person' | 'administrator'

/** Why a request does not fit its schema. */
export interface Misfit {
  part: 'body' | 'params' | 'querystring' | 'headers'
  /** Path to the value, as `/items/0/quantity`; empty for the whole part. */
  path: string
  /** The JSON Schema keyword that failed, as `required`. */
  keyword: string
  /** What the validator says of it. */
  message: string
}

export interface Inquiry<Body, Query, Params> {
  body: Body
  query: Query
  params: Params
  client: Client
  /** The claims of the access token; routes for the public have none. */
  claims: AccessClaims
  /** The `Idempotency-Key` of a route that creates, when the client sent one. */
  idempotency: IdempotencyKey | undefined
  /** Checks a token of this contract. */
  verify: TokenVerifier['verify']
}

type Part<Schema> = Schema extends TSchema ? Static<Schema> : undefined
type Replies = Readonly<Record<number, TSchema>>
type Answer<R extends Replies> = {
  [Status in keyof R & number]: { status: Status; body: Part<R[Status]> }
}[keyof R & number]

/** One endpoint of a contract, as data. Every status it can answer is declared in `replies`. */
export interface RouteDefinition<
  Name extends ServiceName,
  Body extends TSchema | undefined,
  Query extends TSchema | undefined,
  Params extends TSchema | undefined,
  R extends Replies,
> {
  service: Name
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with `:parameters`. */
  url: string
  summary: string
  access: Access
  limit: LimitClass
  body?: Body
  query?: Query
  params?: Params
  replies: R
  /** True for a signed-in creation that honours `Idempotency-Key`. */
  idempotent?: boolean
  /** What a limit on this route counts beside the address: whose credentials are tried. */
  limitBy?: (body: Part<Body>) => string
  /** The contract's own answer to a request that does not fit; the table's `edge.bad_request` when absent. */
  misfit?: (misfit: Misfit) => ErrorAnswer
  handler(service: Services[Name], inquiry: Inquiry<Part<Body>, Part<Query>, Part<Params>>): Promise<Answer<R>>
}

/** A route whose parts are checked where it is written, and no longer told apart where it is mounted. */
export type Route = Omit<RouteDefinition<ServiceName, TSchema, TSchema, TSchema, Replies>, 'handler' | 'limitBy'> & {
  limitBy?: (body: never) => string
  handler(service: never, inquiry: never): Promise<{ status: number; body: unknown }>
}

/** Declares a route. */
export const route = <
  Name extends ServiceName,
  R extends Replies,
  Body extends TSchema | undefined = undefined,
  Query extends TSchema | undefined = undefined,
  Params extends TSchema | undefined = undefined,
>(
  definition: RouteDefinition<Name, Body, Query, Params, R>,
): Route => definition as unknown as Route

/** Whose health a route tells: the whole gateway's, or one service's. */
export type HealthOf = ServiceName | 'gateway'

/** What is known when a health route is asked. */
export interface HealthReport {
  of: HealthOf
  /** True when everything that it depends on answers. */
  healthy: boolean
  services: Readonly<Partial<Record<ServiceName, boolean>>>
}

export interface Contract {
  readonly name: string
  readonly title: string
  readonly terms: Terms
  readonly routes: readonly Route[]
  readonly errors: ErrorTable
  readonly limits: Limits
  /** Bytes a request body may have. */
  readonly bodyLimit: number
  /** `empty`: a missing or unreadable body counts as `{}`. `strict`: it is answered with 400 or 415. */
  readonly bodies: 'empty' | 'strict'
  /** The error form of the contract, and its schema. */
  failure(answer: ErrorAnswer, details: Readonly<Record<string, unknown>>): unknown
  readonly failureSchema: TSchema
  /** The contract's health routes. One path may tell of the gateway on one listener and of a service on another. */
  readonly healthRoutes: readonly { url: string; of: HealthOf }[]
  health(report: HealthReport): { status: number; body: unknown }
}

/** True when the token's role administers the contract. */
export const isAdministrator = (claims: AccessClaims, { policy }: Terms): boolean =>
  claims.role === policy.roles.administrator

/** An answer with its status. */
export const reply = <const Status extends number, const Body>(status: Status, body: Body) => ({ status, body })
