import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import type { Contract, ErrorAnswer, Route, ValidationError } from '../../contracts/_kit/contract.ts'
import { DomainError, type EdgeErrorCode, messageOf } from '../../platform/errors.ts'
import { requestOrigin } from '../request-origin.ts'

/** Answers anything thrown while a request of this contract was served, in the contract's own error form. */
export const answerFailure =
  (contract: Contract) => (error: FastifyError | DomainError, request: FastifyRequest, reply: FastifyReply) => {
    const { answer, details } = judge(contract, error, request)
    if (answer.status >= 500) {
      const level = answer.status === 500 ? 'error' : 'warn'
      request.log[level](
        { id: request.id, ...requestOrigin(request, contract), err: error, reason: messageOf(error.cause ?? error) },
        'a request failed',
      )
    }
    if (typeof details.retryAfterSeconds === 'number') reply.header('retry-after', String(details.retryAfterSeconds))
    // RFC 6750, 3: a refused token is answered with the scheme that is wanted.
    if (answer.status === 401) reply.header('www-authenticate', 'Bearer')
    // A refusal is of its moment, and one that asks for a second factor carries a secret.
    reply.header('cache-control', 'no-store')
    // The failure form is the contract's own; a success schema of the same status must not reshape it.
    return reply
      .code(answer.status)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send({ ...contract.failure(answer, details, { path: pathOf(request, details) }), ...nextStep(details) })
  }

/** As the client asked for it, at whichever gateway; without the query, where clients put what nobody should repeat. */
function pathOf({ url, routeOptions }: FastifyRequest, { path }: DomainError['details']): string {
  // To a stranger there is nothing below the internal prefix, so it is said as it was asked.
  if (typeof path === 'string') return path
  const { prefix = '' } = routeOptions.config as { prefix?: string }
  return (url.split('?', 1)[0] ?? '').slice(prefix.length)
}

/**
 * Where a sign-in is refused though its password was right, every contract says in its own form how to go on: with the second factor,
 * the same path again with `session_token` and `mfa_code`; with a password that another realm's rule let pass, the page that changes it.
 */
function nextStep({ sessionToken, code, changePasswordAt }: DomainError['details']): object {
  if (typeof changePasswordAt === 'string')
    return { code: 'PASSWORD_CHANGE_REQUIRED', change_password_url: changePasswordAt }
  if (typeof sessionToken !== 'string') return {}
  return { code: 'MFA_REQUIRED', session_token: sessionToken, ...(typeof code === 'string' && { mfa_code: code }) }
}

function judge(contract: Contract, error: FastifyError | DomainError, request: FastifyRequest) {
  const table: Readonly<Record<string, ErrorAnswer>> = contract.errors
  if (error instanceof DomainError) {
    return { answer: table[error.code] ?? contract.errors['edge.internal'], details: error.details }
  }
  const { route } = request.routeOptions.config as { route?: Route }
  const [first] = error.validation ?? []
  if (first && error.validationContext && route?.validationError) {
    const answer = route.validationError(validationErrorOf(first, error.validationContext))
    return { answer, details: answer.details ?? {} }
  }
  return { answer: contract.errors[edgeCodeOf(error)], details: {} }
}

const validationErrorOf = (
  failed: FastifySchemaValidationError,
  part: NonNullable<FastifyError['validationContext']>,
): ValidationError => ({
  part: part as ValidationError['part'],
  path: failed.keyword === 'required' ? `${failed.instancePath}/${failed.params.missingProperty}` : failed.instancePath,
  keyword: failed.keyword,
  message: failed.message ?? 'is not acceptable',
})

/** Fastify's own errors, by status. */
function edgeCodeOf({ validation, statusCode = 500 }: FastifyError): EdgeErrorCode {
  if (validation) return 'edge.bad_request'
  return codeOfStatus[statusCode] ?? (statusCode < 500 ? 'edge.bad_request' : 'edge.internal')
}
const codeOfStatus: Readonly<Record<number, EdgeErrorCode>> = {
  404: 'edge.not_found',
  408: 'edge.request_timeout',
  413: 'edge.payload_too_large',
  415: 'edge.unsupported_media_type',
  431: 'edge.headers_too_large',
  503: 'edge.unavailable',
}
