/**
 * A request the core declines, by a code of its service's closed union. It carries no status, text or wire name:
 * each contract's error table gives it those.
 */
export class DomainError<Code extends string = string> extends Error {
  override readonly name = 'DomainError'
  readonly code: Code
  /** Facts a contract may show, such as `{ retryAfterSeconds: 30 }`. Never secrets. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: Code, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(code, { cause })
    this.code = code
    this.details = details
  }
}

/** The codes that arise outside every service: at the listener, in the gateway, from a dependency. */
export const edgeErrors = [
  'edge.bad_request',
  'edge.missing_token',
  'edge.invalid_token',
  'edge.forbidden',
  'edge.not_found',
  'edge.method_not_allowed',
  'edge.request_timeout',
  'edge.payload_too_large',
  'edge.unsupported_media_type',
  'edge.headers_too_large',
  'edge.rate_limited',
  'edge.internal',
  'edge.bad_gateway',
  'edge.unavailable',
  /** What vouches for tokens and accounts does not answer. */
  'edge.identity_unavailable',
  'edge.timeout',
] as const
export type EdgeErrorCode = (typeof edgeErrors)[number]

/** Makes an error of the edge, to be thrown. */
export const refuseAtEdge = (code: EdgeErrorCode, details?: Readonly<Record<string, unknown>>, cause?: unknown) =>
  new DomainError<EdgeErrorCode>(code, details, cause)

/** A start that cannot go on. The message says what is wrong and what to change; `main` prints it and exits with 1. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** The text of anything that was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
