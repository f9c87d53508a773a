import { type IncomingMessage, maxHeaderSize } from 'node:http'
import compress from '@fastify/compress'
import cors, { type FastifyCorsOptions } from '@fastify/cors'
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchemaCompiler,
  LogController,
} from 'fastify'
import { newSecret } from '../ids.ts'
import type { Logger } from '../log.ts'
import { closeGently } from './gentle-close.ts'
import { closeLingering } from './lingering-close.ts'
import { securityHeaders } from './security-headers.ts'

export interface AppOptions {
  log: Logger
  /** What the router takes a request's target for. */
  rewriteUrl: (request: IncomingMessage) => string
  /** CIDR networks whose `X-Forwarded-*` is believed. */
  trustedProxies: readonly string[]
  allowsOrigin: AllowsOrigin
  /** Headers that pages of other origins may read beside our own. */
  exposedHeaders: readonly string[]
  /** A header that every answer carries beside our own. */
  instanceHeader: { name: string; value: string } | undefined
  /** What a line of the log says of a request beside what HTTP does. */
  describe: (request: FastifyRequest) => object
  /** Answers what fails before a route is found, and what fails in none. */
  onError: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => unknown
  /** The body for a request that could not even be parsed as HTTP, by status. */
  rawFailure: (status: 400 | 408 | 431) => unknown
}

const requestIdPattern = /^[\w.-]{1,64}$/

const processPart = newSecret(9)
let requests = 0
/** Unique to the process and the request; a UUID at each request would cost more than reading a cached answer. */
const nextRequestId = (): string => {
  requests += 1
  return `${processPart}-${requests.toString(36)}`
}

// Nothing is coerced in a body: "2" is not 2. A query has only texts to begin with.
const strict = new Ajv({ coerceTypes: false, useDefaults: true, allErrors: false, strict: false })
const coercing = new Ajv({ coerceTypes: true, useDefaults: true, allErrors: false, strict: false })

/** Compiled when the first request needs it: compiling those of all routes was a fifth of what a start costs. */
const compileWhenUsed: FastifySchemaCompiler<AnySchema> = ({ schema, httpPart }) => {
  let check: ValidateFunction | undefined
  return (data: unknown) => {
    check ??= (httpPart === 'body' ? strict : coercing).compile(schema)
    return check(data) || { error: check.errors ?? [] }
  }
}

/** The Fastify instance every listener is built on: limits, security headers, request ids, graceful close. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { log, describe, rewriteUrl, trustedProxies, allowsOrigin, instanceHeader, onError, rawFailure } = options
  const exposedHeaders = [
    'x-request-id',
    'retry-after',
    'ratelimit',
    'ratelimit-policy',
    'ratelimit-limit',
    'ratelimit-remaining',
    'ratelimit-reset',
    ...options.exposedHeaders,
  ]
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'id' }),
    // No logger of its own for every request: who logs states the request's id.
    childLoggerFactory: (logger) => logger,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id']
      return typeof given === 'string' && requestIdPattern.test(given) ? given : nextRequestId()
    },
    bodyLimit: 1024 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    // A connection that stays open while we stop is answered, not turned away.
    return503OnClosing: false,
    rewriteUrl,
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: false },
    // A token of 10 kB is to be judged as a token (401), not as a header.
    http: { maxHeaderSize: Math.max(maxHeaderSize, 32 * 1024), headersTimeout: 15_000 },
    frameworkErrors: (error, request, reply) => {
      onError(error, request, reply as unknown as FastifyReply)
    },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
      socket.end(rawAnswer(status, JSON.stringify(rawFailure(status))))
    },
  })

  closeGently(app.server)
  closeLingering(app)

  app.setValidatorCompiler(compileWhenUsed)
  app.setErrorHandler(onError)

  const fixedHeaders = {
    ...securityHeaders(),
    ...(instanceHeader && { [instanceHeader.name]: instanceHeader.value }),
  }
  // Hooks with `done` and no promise: these two run at every request.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(fixedHeaders).header('x-request-id', request.id)
    done()
  })
  if (log.isLevelEnabled('info')) {
    app.addHook('onResponse', (request, reply, done) => {
      const { method, id, ip } = request
      // Without the query, where clients put things that do not belong in a log, and without mailed tokens in the path.
      const path = request.url.split('?', 1)[0]?.replaceAll(/[\w.~%-]{48,}/g, '[redacted]')
      const ms = Math.round(reply.elapsedTime * 10) / 10
      log.info({ id, ...describe(request), ip, method, path, status: reply.statusCode, ms }, 'request')
      done()
    })
  }
  await app.register(cors, {
    delegator: (request, decide) => decide(null, corsFor(request, allowsOrigin, exposedHeaders)),
  })
  // Bodies are read as they come: no contract takes compressed ones.
  await app.register(compress, { encodings: ['gzip', 'deflate'], threshold: 1024, globalDecompression: false })
  return app
}

/** What a page of another origin may do with the answer to its request: read it, read it when it sent cookies, or nothing. */
export type AllowsOrigin = (origin: string, request: FastifyRequest) => 'with cookies' | 'without cookies' | 'no'

const noCors = { origin: false }

function corsFor(request: FastifyRequest, allowsOrigin: AllowsOrigin, exposedHeaders: string[]): FastifyCorsOptions {
  const { origin } = request.headers
  // Most requests come from no browser.
  const allowed = origin === undefined ? 'no' : allowsOrigin(origin, request)
  if (allowed === 'no') return noCors
  return {
    origin: allowed === 'with cookies' ? true : '*',
    credentials: allowed === 'with cookies',
    strictPreflight: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders,
    maxAge: 600,
  }
}

const reasons = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' } as const

const rawAnswer = (status: keyof typeof reasons, body: string): string =>
  `HTTP/1.1 ${status} ${reasons[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
  `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
