import { PassThrough, type Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher, Pool } from 'undici'
import { DomainError, refuseAtEdge } from '../platform/errors.ts'
import { internalErrorHeader, internalTokenHeader, tokenRefused } from '../platform/http/internal-client.ts'
import { answersAhead } from '../platform/http/lingering-close.ts'
import type { BodyWatch } from './edge/incoming-body.ts'

export type Upstream = ReturnType<typeof openUpstream>

/** What a client may say to a service; everything else, above all `X-User-*` and `X-Internal-*`, stays outside. */
const passedOn = [
  'accept',
  'accept-encoding',
  'accept-language',
  'authorization',
  'content-type',
  'cookie',
  'idempotency-key',
  'if-none-match',
  'traceparent',
  'user-agent',
] as const

/** Headers of the hop between the two processes, and those that the gateway sets itself. */
const keptBack = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'trailer',
  'upgrade',
  'x-request-id',
  'date',
])

/** Requests under way to one upstream at most; above it the caller is told at once instead of being queued. */
const mostInFlight = 512

/** Another process of ours that serves some of our routes. */
export function openUpstream({ url, token, deadlineMs }: { url: string; token: string; deadlineMs: number }) {
  const options = {
    connections: 128,
    pipelining: 1,
    connect: { timeout: Math.min(deadlineMs, 2_000) },
    // Our own timer below sees to the head of the answer, exactly and with the time in the queue.
    headersTimeout: 0,
    bodyTimeout: deadlineMs,
    keepAliveTimeout: 30_000,
  }
  // Loaded with the first request: it takes ten megabytes, which a process that has all services saves.
  let pool: Pool | undefined
  const open = async (): Promise<Pool> => {
    const { Pool } = await import('undici')
    pool ??= new Pool(url, options)
    return pool
  }
  let inFlight = 0

  return {
    /**
     * Sends the request on and streams the answer back. Refuses with `edge.timeout` or `edge.unavailable` when no answer begins within the deadline.
     * @param to.headers replaces what the client sent under these names
     * @param to.body set for a body that nobody has read yet: it is sent on as it comes, and the deadline begins when all of it is
     */
    async forward(
      request: FastifyRequest,
      reply: FastifyReply,
      to: { path: string; headers: Record<string, string>; body?: BodyWatch },
    ): Promise<void> {
      const { path, headers, body: watch } = to
      if (inFlight >= mostInFlight) throw refuseAtEdge('edge.unavailable', { upstream: url })
      const sent: Record<string, string> = { [internalTokenHeader]: token, 'x-request-id': request.id }
      for (const name of passedOn) {
        const value = request.headers[name]
        if (typeof value === 'string') sent[name] = value
      }
      Object.assign(sent, headers)
      const length = request.headers['content-length']
      if (watch && length !== undefined) sent['content-length'] = length
      const body = watch ? request.raw.pipe(new PassThrough()) : Buffer.isBuffer(request.body) ? request.body : null
      const method = request.method as Dispatcher.HttpMethod
      const opened = pool ?? (await open())
      const exchange = () => relay(opened, { method, path, headers: sent, body }, reply, { deadlineMs, watch })
      inFlight += 1
      try {
        await exchange().catch((error: unknown) => {
          // A kept connection that the service had just closed: nothing was lost by asking once more.
          if (method === 'GET' && isStaleSocket(error) && !reply.raw.headersSent) return exchange()
          throw error
        })
      } catch (error) {
        if (reply.raw.headersSent) reply.raw.destroy()
        else if (error instanceof DomainError) throw error
        else throw refuseAtEdge(reasonOf(error), { upstream: url }, error)
      } finally {
        inFlight -= 1
      }
    },
    /** Requests under way. */
    inFlight: () => inFlight,
    close: async () => pool?.close(),
  }
}

class DeadlineError extends Error {}

/** RFC 9110, 15.6: too slow, not there, or there and of no use. */
function reasonOf(error: unknown): 'edge.timeout' | 'edge.unavailable' | 'edge.bad_gateway' {
  if (error instanceof DeadlineError) return 'edge.timeout'
  const { name, code = '' }: NodeJS.ErrnoException = error instanceof Error ? error : new Error()
  // Of what is no HTTP, the error may have no code.
  const ofNoUse =
    name === 'HTTPParserError' || /^(HPE_|UND_ERR_SOCKET$|UND_ERR_HEADERS_OVERFLOW$|ECONNRESET$)/.test(code)
  return ofNoUse ? 'edge.bad_gateway' : 'edge.unavailable'
}

const isStaleSocket = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'UND_ERR_SOCKET' || error.code === 'ECONNRESET')

/** One exchange, streamed: the answer is never held in memory, and a slow client slows the service's side down. */
function relay(
  pool: Pool,
  request: Pick<Dispatcher.DispatchOptions, 'method' | 'path' | 'headers'> & { body: Buffer | Readable | null },
  reply: FastifyReply,
  { deadlineMs, watch }: { deadlineMs: number; watch: BodyWatch | undefined },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { raw } = reply
    let control: Dispatcher.DispatchController | undefined
    let settled = false
    let answering = false
    const fail = (error: Error) => {
      finish(() => reject(error))
      control?.abort(error)
    }
    let timer: NodeJS.Timeout | undefined
    const startDeadline = () => {
      // A service may answer before it has all of a body.
      if (settled || answering) return
      timer = setTimeout(() => fail(new DeadlineError(`no answer within ${deadlineMs} ms`)), deadlineMs)
    }
    const bodyRefused = () => {
      // A client that waits for the service to take its bytes is not the one who stalls.
      const stalled = request.body instanceof PassThrough && request.body.writableNeedDrain
      fail(stalled ? new DeadlineError('the body was not taken') : watch?.signal.reason)
    }
    const clientGone = () => {
      finish(resolve)
      control?.abort(new Error('the client went away'))
    }
    let slow: NodeJS.Timeout | undefined
    const resume = () => {
      clearTimeout(slow)
      control?.resume()
    }
    const finish = (settle: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      clearTimeout(slow)
      raw.off('close', clientGone)
      raw.off('drain', resume)
      watch?.signal.removeEventListener('abort', bodyRefused)
      settle()
    }
    raw.on('close', clientGone)
    raw.on('drain', resume)
    if (request.body instanceof PassThrough) {
      // What breaks it off is told by the exchange.
      request.body.on('error', () => undefined).once('end', startDeadline)
      if (watch?.signal.aborted) return bodyRefused()
      watch?.signal.addEventListener('abort', bodyRefused)
    } else startDeadline()

    pool.dispatch(request, {
      onRequestStart(controller) {
        control = controller
        // The time in the queue was too long, or nobody waits any more.
        if (settled) controller.abort(new Error('too late'))
      },
      onResponseStart(controller, status, headers) {
        if (settled) return
        if (headers[internalErrorHeader]) {
          controller.abort(new Error(tokenRefused))
          return
        }
        answering = true
        clearTimeout(timer)
        watch?.stop()
        reply.hijack()
        // The service has made up its mind before it had the whole body: what is left of that is not worth the connection.
        if (answersAhead(reply.request.raw)) reply.header('connection', 'close')
        raw.writeHead(status, headersOf(reply, headers))
      },
      onResponseData(controller, chunk) {
        if (settled || raw.write(chunk)) return
        controller.pause()
        // A client that does not read must not keep a connection to the service for ever.
        clearTimeout(slow)
        slow = setTimeout(() => raw.destroy(), deadlineMs)
      },
      onResponseEnd() {
        // Settled by `close`, which always comes: the callback of `end` does not when the client's socket goes away.
        finish(() => {
          if (raw.destroyed) return resolve()
          raw.once('close', resolve)
          raw.end()
        })
      },
      onResponseError(_controller, error) {
        finish(() => reject(error))
      },
    })
  })
}

/** Headers by which a service says more of one answer than the gateway says of all. */
const ofTheAnswer = new Set(['content-security-policy'])

/** The service's headers, below those that the gateway has set already. */
function headersOf(reply: FastifyReply, upstream: Record<string, string | string[] | undefined>) {
  const merged: Record<string, string | string[] | number> = {}
  for (const [name, value] of Object.entries(upstream)) {
    if (value !== undefined && !keptBack.has(name)) merged[name] = value
  }
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value === undefined || (ofTheAnswer.has(name) && merged[name] !== undefined)) continue
    // Both sides may vary by something: the service by encoding, the gateway by origin.
    merged[name] = name === 'vary' && merged.vary ? `${merged.vary}, ${value}` : value
  }
  return merged
}
