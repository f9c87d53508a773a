import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
} from 'cockatiel'
import { Pool } from 'undici'
import { messageOf, refuseAtEdge } from '../../platform/errors.ts'
import { internalTokenHeader } from '../../platform/http/internal-client.ts'
import {
  type AuthServiceAccount,
  accountOf,
  UnreadableAnswer,
  type Verification,
  verificationOf,
} from './auth-service-answers.ts'

export type { AuthServiceAccount, Verification, VerifiedUser } from './auth-service-answers.ts'

/** What a service asks the helpdesk's auth service: whom a token stands for, and who an account is. */
export interface AuthServiceClient {
  /** Whom a token stands for; asked anew at every call. */
  verify(token: string): Promise<Verification>
  /**
   * The account of an id (UUID), undefined when there is none. With `bearer` it is asked in that person's name, who may read their
   * own account and, as an administrator, any; without, in the name of this service. Refuses with `edge.missing_token`,
   * `edge.invalid_token` or `edge.forbidden` when these credentials do not do.
   */
  userById(id: string, bearer?: string): Promise<AuthServiceAccount | undefined>
  /** The same by an e-mail address. */
  userByEmail(email: string, bearer?: string): Promise<AuthServiceAccount | undefined>
  /** Resolves when the auth service answers. For health checks: it takes no turn, and the breaker does not keep it back. */
  ping(): Promise<void>
  /** Ends the connections; whoever still waits is refused. */
  close(): Promise<void>
}

export interface AuthServiceClientOptions {
  /** Where the auth service listens, without `/api/auth`: `AUTH_SERVICE_URL`. */
  url: string
  /** Milliseconds that an answer may take in all, with the wait for a turn and the second try: `AUTH_SERVICE_TIMEOUT`. */
  timeoutMs: number
  /** By which the auth service knows its own, whose questions it does not count: `INTERNAL_SERVICE_TOKEN`. */
  serviceToken?: string | undefined
  /** Questions under way at once; 32 when absent. */
  concurrency?: number
  /** Questions that may wait for their turn; 256 when absent. Any further one is refused at once. */
  queue?: number
}

/** Failures in a row after which the auth service is left alone. */
const failuresToOpen = 5
/** Milliseconds for which it is; then one question finds out whether it is back. */
const openMs = 1_000
const longestAnswerBytes = 256 * 1024
/** What can stand behind `Bearer` (RFC 6750, 2.1). Anything else is no token, and not worth a question. */
const bearerForm = /^[\w.~+/-]+=*$/

/**
 * Opens a client of the auth service. When no answer can be had (unreachable, slow, overloaded, not understood), every call is
 * refused with the one code `edge.identity_unavailable`, within `timeoutMs`; its cause says why, for the log. After five failures
 * in a row calls are refused at once, but for one a second that finds out whether the auth service is back.
 */
export function createAuthServiceClient(options: AuthServiceClientOptions): AuthServiceClient {
  const { url, timeoutMs, serviceToken, concurrency = 32, queue = 256 } = options
  const { origin, pathname } = new URL(url)
  const prefix = pathname.replace(/\/+$/, '')
  const pool = new Pool(origin, {
    connections: concurrency,
    pipelining: 1,
    connect: { timeout: Math.min(timeoutMs, 2_000) },
    // The deadline sees to these, exactly.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: longestAnswerBytes,
  })
  const protect = protection({ timeoutMs, concurrency, queue })
  const ownName = serviceToken === undefined ? {} : { [internalTokenHeader]: serviceToken }

  /** One question: the content of a 200, of any other answer the status alone. From 500 on there is no answer. */
  const exchange = async <Content>(question: Question<Content>, signal: AbortSignal): Promise<Answer<Content>> => {
    const { headers, read } = question
    const path = `${prefix}${question.path}`
    const { statusCode: status, body } = await pool.request({ method: 'GET', path, headers, signal })
    if (status === 200) return { status, content: read(parse(await body.text())) }
    // Unread, it would hold the connection.
    await body.dump()
    if (status >= 500) throw new Error(`it answered ${status}`)
    return { status }
  }
  const unavailable = (reason: string, cause?: unknown) =>
    refuseAtEdge(
      'edge.identity_unavailable',
      { upstream: url },
      new Error(`auth service at ${url}: ${reason}`, { cause }),
    )
  const refuseFailure = (error: unknown): never => {
    throw unavailable(reasonOf(error, timeoutMs), error)
  }
  const ask = <Content>(question: Question<Content>): Promise<Answer<Content>> =>
    protect((signal) => exchange(question, signal)).catch(refuseFailure)

  const credentials = (bearer: string | undefined): Record<string, string> => {
    if (bearer === undefined && serviceToken === undefined) throw refuseAtEdge('edge.missing_token')
    if (bearer === undefined) return { authorization: `Bearer ${serviceToken}`, ...ownName }
    if (!bearerForm.test(bearer)) throw refuseAtEdge('edge.invalid_token')
    // Without the service's own token, which would open to the person what is not theirs to see.
    return { authorization: `Bearer ${bearer}` }
  }
  const findAccount = async (path: string, key: string, bearer: string | undefined) => {
    const headers = credentials(bearer)
    // Half a surrogate pair cannot be written in a URL; nobody's id or address has one.
    if (!key.isWellFormed()) return undefined
    const { status, content } = await ask({ path: `${path}/${encodeURIComponent(key)}`, headers, read: accountOf })
    if (content) return content
    // What cannot be an id or an address is nobody's either.
    if (status === 404 || status === 400) return undefined
    if (status === 401) throw refuseAtEdge('edge.invalid_token')
    if (status === 403) throw refuseAtEdge('edge.forbidden')
    throw unavailable(`it answered ${status}`)
  }

  return {
    async verify(token) {
      if (!bearerForm.test(token)) return { kind: 'invalid' }
      const headers = { authorization: `Bearer ${token}`, ...ownName }
      const { status, content } = await ask({ path: '/api/auth/verify', headers, read: verificationOf })
      if (content) return content
      if (status === 401) return { kind: 'invalid' }
      throw unavailable(`it answered ${status}`)
    },
    userById: (id, bearer) => findAccount('/api/auth/users', id, bearer),
    userByEmail: (email, bearer) => findAccount('/api/auth/users/email', email, bearer),
    async ping() {
      const question = { path: '/api/auth/health', headers: ownName, read: () => undefined }
      const { status } = await exchange(question, AbortSignal.timeout(timeoutMs)).catch(refuseFailure)
      if (status !== 200) throw unavailable(`it answered ${status}`)
    },
    close: () => pool.destroy(),
  }
}

interface Question<Content> {
  path: string
  headers: Readonly<Record<string, string>>
  /** Throws what it cannot read. */
  read(body: unknown): Content
}

interface Answer<Content> {
  status: number
  content?: Content
}

type Exchange<Result> = (signal: AbortSignal) => Promise<Result>

/** Everything that stands around a question, from the outside in: deadline, breaker, turn, second try. */
function protection({ timeoutMs, concurrency, queue }: { timeoutMs: number; concurrency: number; queue: number }) {
  // Aggressive: nobody waits beyond it, not even for a connection to notice.
  const deadline = timeout(timeoutMs, TimeoutStrategy.Aggressive)
  // That we ask too much at once says nothing of the auth service.
  const breaker = circuitBreaker(
    handleWhen((error) => !(error instanceof BulkheadRejectedError)),
    { breaker: new ConsecutiveBreaker(failuresToOpen), halfOpenAfter: openMs },
  )
  const turns = bulkhead(concurrency, queue)
  // Whoever was too slow once is not asked again. The delay is random, so that many do not come back in step.
  const secondTry = retry(handleWhen(isConnectionError), {
    maxAttempts: 1,
    backoff: new DelegateBackoff(() => 20 + Math.random() * 80),
  })

  return <Result>(exchange: Exchange<Result>): Promise<Result> =>
    deadline.execute(({ signal }) => {
      // The breaker itself would let all others wait for what the one finds out.
      if (breaker.state === CircuitState.HalfOpen) throw new BrokenCircuitError()
      return breaker.execute(() =>
        // The bulkhead does not get the signal: after one that was aborted in its queue, it calls nobody else.
        turns.execute(() =>
          secondTry.execute(() => {
            signal.throwIfAborted()
            return exchange(signal)
          }, signal),
        ),
      )
    })
}

const connectionErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAI_AGAIN', 'UND_ERR_SOCKET'])
const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)

function isConnectionError(error: Error): boolean {
  const code = codeOf(error)
  return typeof code === 'string' && connectionErrors.has(code)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message would show the text, and the log is no place for it.
    throw new UnreadableAnswer('its answer is not JSON')
  }
}

/** Why there is no answer, for whoever reads the log. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof BrokenCircuitError) return `left alone for a moment, after ${failuresToOpen} failures in a row`
  if (error instanceof BulkheadRejectedError) return 'too many questions wait for it already'
  const late =
    error instanceof TaskCancelledError || (error instanceof Error && /^(Abort|Timeout)Error$/.test(error.name))
  if (late) return `no answer within ${timeoutMs} ms`
  const code = codeOf(error)
  return typeof code === 'string' ? `cannot be reached (${code})` : messageOf(error)
}
