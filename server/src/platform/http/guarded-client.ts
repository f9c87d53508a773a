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
import { messageOf, refuseAtEdge } from '../errors.ts'

export interface Question<Content> {
  path: string
  headers: Readonly<Record<string, string>>
  /** Makes content of the JSON of a 200; throws UnreadableAnswer for what it cannot read. */
  read(body: unknown): Content
}

export interface Answer<Content> {
  status: number
  content?: Content
}

/** An answer that lacks what it must have. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer'
}

export interface GuardedClientOptions {
  /** What it is, for the log. */
  name: string
  /** Where it listens; paths are below. */
  url: string
  /** Milliseconds that an answer may take in all, with the wait for a turn and the second try. */
  timeoutMs: number
  /** Questions under way at once; 32 when absent. */
  concurrency?: number
  /** Questions that may wait for their turn; 256 when absent. Any further one is refused at once. */
  queue?: number
}

/** Failures in a row after which it is left alone. */
const failuresToOpen = 5
/** Milliseconds for which it is; then one question finds out whether it is back. */
const openMs = 1_000
const longestAnswerBytes = 256 * 1024

/**
 * Asks another program, which may be slow, overloaded or away, without becoming so itself.
 *
 * When no answer can be had (unreachable, slow, overloaded, not understood), every call is refused with the one code
 * `edge.identity_unavailable`, within `timeoutMs`; its cause says why, for the log. After five failures in a row calls are refused
 * at once, but for one a second that finds out whether it is back.
 */
export function createGuardedClient(options: GuardedClientOptions) {
  const { name, url, timeoutMs, concurrency = 32, queue = 256 } = options
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
  /** The refusal for an answer that is of no use. */
  const unavailable = (reason: string, cause?: unknown) =>
    refuseAtEdge('edge.identity_unavailable', { upstream: url }, new Error(`${name} at ${url}: ${reason}`, { cause }))
  const refuseFailure = (error: unknown): never => {
    throw unavailable(reasonOf(error, timeoutMs), error)
  }

  return {
    /** Resolves with the content of a 200, and of any other answer below 500 with the status alone. */
    ask: <Content>(question: Question<Content>): Promise<Answer<Content>> =>
      protect((signal) => exchange(question, signal)).catch(refuseFailure),
    /** The same for health checks: it takes no turn, and the breaker does not keep it back. */
    probe: <Content>(question: Question<Content>): Promise<Answer<Content>> =>
      exchange(question, AbortSignal.timeout(timeoutMs)).catch(refuseFailure),
    unavailable,
    /** Ends the connections; whoever still waits is refused. */
    close: () => pool.destroy(),
  }
}

type Exchange<Result> = (signal: AbortSignal) => Promise<Result>

/** Everything that stands around a question, from the outside in: deadline, breaker, turn, second try. */
function protection({ timeoutMs, concurrency, queue }: { timeoutMs: number; concurrency: number; queue: number }) {
  // Aggressive: nobody waits beyond it, not even for a connection to notice.
  const deadline = timeout(timeoutMs, TimeoutStrategy.Aggressive)
  // That we ask too much at once says nothing of it.
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
