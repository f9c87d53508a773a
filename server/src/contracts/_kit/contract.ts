import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { IdempotencyKey } from '../../platform/db/idempotency.ts'
import type { EdgeErrorCode } from '../../platform/errors.ts'
import type { Metrics } from '../../platform/http/metrics.ts'
import type { AccessClaims, TokenVerifier } from '../../platform/tokens/verifier.ts'
import type { Identity, Observation } from '../../services/identity/index.ts'
import type { AnnounceProfile } from '../../services/profiles/index.ts'
import type { Permission, Realm, RequestContext } from '../../services/realm/index.ts'
import type { Deployment } from './deployment.ts'
import type { LimitClass, Limits } from './limits.ts'
import type { Documentation } from './openapi/documentation.ts'
import type { ServiceErrors, ServiceName, Services } from './services.ts'

/** Every code that a request can end with. */
export type ErrorCode = EdgeErrorCode | ServiceErrors[ServiceName]

/** What a contract answers to one code. */
export interface ErrorAnswer {
  status: number
  code: string
  message: string
  /** What the contract's error form shows beside it, such as the fields that do not fit. */
  details?: Readonly<Record<string, unknown>>
}
/** An answer to every code that can arise where these services are used: a new one does not compile without. */
export type ErrorTable<Used extends ServiceName> = Readonly<Record<EdgeErrorCode | ServiceErrors[Used], ErrorAnswer>>

/** One answer to several codes. */
export const alike = <Code extends ErrorCode>(answer: ErrorAnswer, ...codes: Code[]) =>
  Object.fromEntries(codes.map((code) => [code, answer])) as Record<Code, ErrorAnswer>

/**
 * Who may call a route: everybody; whoever is signed in; also another service, or only one, with the service token as Bearer; or
 * whose role has the permission. What only services may call is served by no gateway.
 */
export type Access = 'public' | 'person' | 'person_or_service' | 'service' | Permission

/** Why a request does not fit its schema. */
export interface ValidationError {
  part: 'body' | 'params' | 'querystring' | 'headers'
  /** Path to the value, as `/items/0/quantity`; empty for the whole part. */
  path: string
  /** The JSON Schema keyword that failed, as `required`; `json` for a body that is none. */
  keyword: string
  /** What the validator says of it. */
  message: string
}

export interface RouteInput<Body, Query, Params> {
  body: Body
  query: Query
  params: Params
  context: RequestContext
  /** The claims of the access token; routes for the public, and other services, have none. */
  claims: AccessClaims
  /** The values of all cookies of a name. */
  cookies(name: string): readonly string[]
  /** A header of the request, by its name in lower case. */
  header(name: string): string | undefined
  /** The file of a route that takes one. */
  upload: Upload
  /** The `Idempotency-Key` of a route that creates, when the client sent one. */
  idempotency: IdempotencyKey | undefined
  /** Checks a token of this contract. */
  verify: TokenVerifier['verify']
  /** True where cookies have to be Secure: everywhere but in development. */
  secure: boolean
}

/** A file that came as multipart form data, within its limit, on disk until the request is answered. */
export interface Upload {
  /** Where it lies; nothing of the name or type that the client stated counts. */
  path: string
  bytes: number
}

type Part<Schema> = Schema extends TSchema ? Static<Schema> : undefined
type Replies = Readonly<Record<number, TSchema>>
/** Of an answer; several values for several cookies. */
type AnswerHeaders = Readonly<Record<string, string | string[]>>
type Answer<R extends Replies> = {
  [Status in keyof R & number]: { status: Status; body: Part<R[Status]>; headers?: AnswerHeaders }
}[keyof R & number]

/** One endpoint of a contract, as data. Every status it can answer is declared in `replies`. */
export interface RouteDefinition<
  Name extends ServiceName,
  Body extends TSchema | undefined,
  Query extends TSchema | undefined,
  Params extends TSchema | undefined,
  R extends Replies,
> {
  summary: string
  /** What a caller has to know beside it; who may call it and how often is told by itself. Markdown. */
  description?: string
  access: Access
  /** What reads counts as `read`, everything else as `write`, unless this says otherwise. */
  limit?: LimitClass
  body?: Body
  query?: Query
  params?: Params
  /** Further headers that a request may have, with what they mean. */
  headers?: Readonly<Record<string, string>>
  replies: R
  /** True where a body that cannot be read counts as none: a cookie may say all that is needed. */
  bodyOptional?: boolean
  /** True for a signed-in creation that honours `Idempotency-Key`. */
  idempotent?: boolean
  /** True where a sign-in can succeed: the answer makes the device known again. */
  signsIn?: boolean
  /** The path of the step before this one, where a sign-in takes two: one that succeeds gives the points of both back. */
  secondStepOf?: string
  /** True for a path of the reference that only the contract's own listener and host serve, since others claim it elsewhere. */
  ownListenerOnly?: boolean
  /** The path that this is another address of: they share one count. */
  aliasOf?: string
  /** True for a page: the answer's body is HTML, the request's a form. */
  html?: boolean
  /** True where answers with a `content-type` header of their own send their body as it is: bytes, as those of an image. */
  bytes?: boolean
  /** For a route that takes one file: the name of its field in the form, and how large it may be. */
  upload?: { field: string; maxBytes: number }
  /** What a browser that asks for HTML gets in place of the answer. */
  page?: (request: FastifyRequest) => string
  /** What a limit on this route counts beside the address: whose credentials are tried. */
  limitBy?: (body: Part<Body>) => string | undefined
  /** The contract's own answer to a request that does not fit; the table's `edge.bad_request` when absent. */
  validationError?: (validationError: ValidationError) => ErrorAnswer
  handler(service: Services[Name], input: RouteInput<Part<Body>, Part<Query>, Part<Params>>): Promise<Answer<R>>
}

/** A route whose parts are checked where it is written, and no longer told apart where it is mounted. */
export type Route<Name extends ServiceName = ServiceName> = Omit<
  RouteDefinition<Name, TSchema, TSchema, TSchema, Replies>,
  'handler' | 'limitBy'
> & {
  service: Name
  method: Method
  /** Path with `:parameters`. */
  url: string
  limit: LimitClass
  /** Its name and its heading in the documents; pages have none. See `operations`. */
  operationId?: string
  tag?: string
  limitBy?: (body: never) => string | undefined
  handler(service: never, input: never): Promise<{ status: number; body: unknown; headers?: AnswerHeaders }>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Declares a route of a service. */
export const route = <
  Name extends ServiceName,
  R extends Replies,
  Body extends TSchema | undefined = undefined,
  Query extends TSchema | undefined = undefined,
  Params extends TSchema | undefined = undefined,
>(
  service: Name,
  method: Method,
  url: string,
  definition: RouteDefinition<Name, Body, Query, Params, R>,
): Route<Name> => {
  const limit = method === 'GET' ? 'read' : 'write'
  return { service, method, url, limit, ...definition } as unknown as Route<Name>
}

/** Whose health a route tells: the whole gateway's, or one service's. */
export type HealthOf = ServiceName | 'gateway'

/** What is known when a health route is asked. */
export interface HealthReport {
  of: HealthOf
  /** The path that was asked. */
  url: string
  /** What the process calls itself, if an environment says so. */
  serviceName: string | undefined
  /** True when everything that it depends on answers. */
  healthy: boolean
  /** False when there is a Redis and it does not answer. */
  redis: boolean
  version: string
  instanceId: string
  uptimeSeconds: number
  development: boolean
  services: Readonly<Partial<Record<ServiceName, boolean>>>
}

export interface Contract {
  readonly name: string
  readonly title: string
  readonly realm: Realm
  readonly routes: readonly Route[]
  readonly errors: ErrorTable<never> & Partial<ErrorTable<ServiceName>>
  readonly limits: Limits
  /** Bytes a request body may have. */
  readonly bodyLimit: number
  /**
   * `empty`: a missing or unreadable body counts as `{}`. `json`: only a missing one does, where the route needs one. `strict`:
   * both are answered with 400 or 415.
   */
  readonly bodies: 'empty' | 'json' | 'strict'
  /** The error form of the contract, and its schema. */
  failure(answer: ErrorAnswer, details: Readonly<Record<string, unknown>>, at: { path: string }): object
  readonly failureSchema: TSchema
  /** What its OpenAPI document says beside its routes. */
  readonly documentation: Documentation
  /** The contract's health routes. One path may tell of the gateway on one listener and of a service on another. */
  readonly healthRoutes: readonly {
    url: string
    of: HealthOf
    /** Further services that it depends on. */
    asks?: readonly ServiceName[]
  }[]
  health(report: HealthReport): { status: number; body: unknown }
  readonly deployment: Deployment
  /** What pages in browsers are allowed beyond what every contract allows them. */
  readonly browser?: {
    /** `any`: every origin may read the answers, without cookies. Otherwise the configured ones, with them. */
    origins?: 'any'
    /** Headers of the contract's own that pages of other origins may read. */
    exposedHeaders?: readonly string[]
    /** The cookie that may hold the access token, where there is no Bearer. */
    accessCookie?: string
  }
  /** How its listeners differ from others. */
  readonly hosting?: {
    /** True when another contract claims its paths: it is then served on its own listener and host, never on a shared one. */
    ownHostOnly?: boolean
    /** True when each of its paths may also end in a slash, as the framework of its reference takes them. */
    trailingSlash?: boolean
    /** What `GET /` answers on a gateway of its own, as plain text. */
    greeting?: string
    /** Name of the header by which every answer says which instance gave it. */
    instanceHeader?: string
    /** Further addresses of the contract's API reference. */
    referenceUrls?: readonly string[]
  }
  /** The contract's own event for what happened to a profile. */
  readonly announceProfile?: AnnounceProfile
  /** Figures of the contract's own under names of its own. */
  readonly metrics?: (metrics: Metrics, identity: Identity) => (observation: Observation) => void
}

/** Declares a contract, whose table answers every code of the services that its routes belong to. */
export const contract = <Used extends ServiceName>(
  definition: Contract & { routes: readonly Route<Used>[]; errors: ErrorTable<Used> },
): Contract => definition

/** An answer with its status. */
export const reply = <const Status extends number, const Body>(
  status: Status,
  body: Body,
  headers?: AnswerHeaders,
) => ({
  status,
  body,
  ...(headers && { headers }),
})
