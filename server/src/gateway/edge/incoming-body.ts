import type { IncomingMessage } from 'node:http'
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
    /** Aborted with a DomainError when the body is too large, stalls or takes too long, or when the client goes away. */
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
