import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { onSendHookHandler } from 'fastify'
import type { ErrorCode } from '../../contracts/_kit/contract.ts'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'

export interface BodyLimits {
  maxBytes: number
  /** Milliseconds that may pass without a byte. */
  idleMs: number
  /** Milliseconds that the whole body may take. */
  totalMs: number
}

export type BodyWatch = ReturnType<typeof watchBody>

/**
 * Watches a body that somebody else reads, or is about to: it flows from here on.
 * @param tooLarge what a body with more bytes is refused with
 */
export function watchBody(request: IncomingMessage, limits: BodyLimits, tooLarge: ErrorCode) {
  const { maxBytes, idleMs, totalMs } = limits
  const watch = new AbortController()
  const refuse = (domainError: DomainError) => watch.abort(domainError)
  const late = () => refuse(refuseAtEdge('edge.request_timeout'))
  const gone = () => {
    // Of a body that came in whole, this is only the end.
    if (!request.readableEnded) refuse(refuseAtEdge('edge.bad_request', {}, new Error('the client went away')))
  }
  let bytes = 0
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    idle.refresh()
    if (bytes > maxBytes) refuse(new DomainError<ErrorCode>(tooLarge))
  }
  const idle = setTimeout(late, idleMs)
  const total = setTimeout(late, totalMs)
  const stop = () => {
    clearTimeout(idle)
    clearTimeout(total)
    request.off('data', count).off('end', stop).off('close', gone)
  }
  if (request.destroyed) gone()
  else request.on('data', count).on('end', stop).on('close', gone).on('error', gone)
  return {
    /** Aborted with a refusal when the body is too large, stalls or takes too long, or when the client goes away. */
    signal: watch.signal,
    stop,
  }
}

/** The result of the work, unless the signal aborts before: then its reason is thrown, and the work is left to itself. */
export async function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** How long a connection is held open for a refused body, in milliseconds, and how much of it is still read, in bytes. */
const lingerMs = 2_000
const lingerBytes = 16 * 1_024 ** 2

/**
 * Reads what is left of a body and throws it away, but not for long. A connection that is closed while bytes are on their way is
 * reset, and the client may then lose the answer that it was given (RFC 9112, 9.6). One that goes on sending is made to wait, so
 * that it has time to see the answer too.
 */
export function discardRest(request: IncomingMessage): Promise<void> {
  request.unpipe()
  return new Promise((resolve) => {
    let bytes = 0
    const count = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > lingerBytes) request.pause()
    }
    const done = () => {
      clearTimeout(timer)
      request.off('data', count)
      resolve()
    }
    const timer = setTimeout(done, lingerMs)
    if (request.destroyed || request.readableEnded) return done()
    request.on('data', count).once('end', done).once('close', done).once('error', done).resume()
  })
}

/**
 * For routes that may answer before the body is in: the answer is sent at once and says that the connection ends with it, which
 * happens as soon as the rest of the body has been thrown away.
 */
export const answerAheadOfBody: onSendHookHandler = (request, reply, payload, done) => {
  if (request.raw.complete || request.raw.destroyed) return done(null, payload)
  reply.header('connection', 'close')
  if (typeof payload !== 'string') return done(null, payload)
  reply.header('content-length', Buffer.byteLength(payload))
  done(null, Readable.from(answerThenDiscard(payload, request.raw), { objectMode: false }))
}

async function* answerThenDiscard(answer: string, request: IncomingMessage): AsyncGenerator<string> {
  yield answer
  await discardRest(request)
}
