import { systemClock } from '../../platform/clock.ts'
import { STATUS_CODES } from '../../platform/http/status.ts'
import { alike, type ErrorAnswer, type ErrorTable, type ValidationError } from '../_kit/contract.ts'
import { roles } from './realm.ts'
import type { Failure } from './wire.ts'

/** The portal has no codes of its own: what it shows as `error` is the status in words (RFC 9110, 15). */
const answer = (status: number, message: string): ErrorAnswer => ({
  status,
  code: STATUS_CODES[status] ?? 'Error',
  message,
})

const badRequest = answer(400, 'The request could not be understood')
const forbidden = answer(403, 'Forbidden resource')
const notFound = answer(404, 'There is nothing at this address')
const userNotFound = answer(404, 'User not found')
const tooManyRequests = answer(429, 'Too many requests: wait a moment and try again')
const unavailable = answer(503, 'The service is not available at the moment: try again later')
const invalidCredentials = answer(401, 'Invalid credentials')
const invalidEmail = answer(400, 'email must be an email')
const keyReused = answer(400, 'This Idempotency-Key was sent before with another request')

/** What the portal answers to every code. */
export const errors: ErrorTable<'identity' | 'profiles'> = {
  'edge.bad_request': badRequest,
  'edge.missing_token': answer(401, 'Unauthorized'),
  'edge.invalid_token': answer(401, 'The access token is invalid or has expired'),
  'edge.forbidden': forbidden,
  'edge.not_found': notFound,
  'edge.method_not_allowed': answer(405, 'This address does not know this method'),
  'edge.request_timeout': answer(408, 'The request took too long to arrive'),
  'edge.payload_too_large': answer(413, 'The body of the request is too large'),
  'edge.unsupported_media_type': answer(415, 'Send JSON: Content-Type: application/json'),
  'edge.headers_too_large': answer(431, 'The headers of the request are too large'),
  'edge.rate_limited': tooManyRequests,
  'edge.internal': answer(500, 'Internal server error'),
  'edge.bad_gateway': answer(502, 'The service gave no answer that can be passed on'),
  ...alike(unavailable, 'edge.unavailable', 'edge.identity_unavailable'),
  'edge.timeout': answer(504, 'The service did not answer in time'),
  ...alike(invalidCredentials, 'identity.invalid_credentials', 'identity.invalid_code', 'identity.wrong_password'),
  'identity.email_unverified': answer(403, 'The email address of this account is not verified'),
  'identity.deactivated': answer(403, 'This account is deactivated'),
  'identity.second_factor_required': answer(
    403,
    'A code was sent by email: send session_token and mfa_code to this address',
  ),
  'identity.must_change_password': answer(
    403,
    'This password is too weak here: choose another one on the page that change_password_url names',
  ),
  ...alike(invalidEmail, 'identity.username_invalid', 'identity.email_invalid'),
  'identity.username_taken': answer(409, 'A user with this email already exists'),
  'identity.name_invalid': answer(400, 'name must be text of 1 to 100 characters'),
  'identity.tenant_invalid': badRequest,
  'identity.password_too_short': answer(400, 'password must be longer than or equal to 12 characters'),
  'identity.password_too_long': answer(400, 'password must be shorter than or equal to 256 characters'),
  'identity.password_too_simple': answer(
    400,
    'password must contain an upper-case letter, a lower-case letter, a digit and a special character',
  ),
  'identity.password_too_common': answer(400, 'password must not be one of the most common passwords'),
  'identity.password_too_weak': answer(400, 'password must not be so easy to guess'),
  'identity.password_mismatch': answer(400, 'The two passwords differ'),
  'identity.invalid_link': answer(400, 'This link is invalid or has expired'),
  'identity.already_verified': answer(400, 'This email address is verified already'),
  'identity.too_many_links': tooManyRequests,
  'identity.invalid_refresh_token': answer(401, 'The refresh token is invalid or has expired'),
  ...alike(userNotFound, 'identity.account_not_found', 'profiles.not_found'),
  'identity.unknown_role': answer(400, `role must be one of the following values: ${roles.join(', ')}`),
  'identity.last_administrator': answer(403, 'The last administrator can be neither deleted nor demoted'),
  'identity.not_oneself': answer(403, 'Nobody can do this to their own account'),
  'identity.not_allowed': forbidden,
  'identity.idempotency_key_reused': keyReused,
  ...alike(unavailable, 'identity.busy', 'profiles.busy'),
  'profiles.nothing_to_change': answer(400, 'There is nothing to change: send name, email or role'),
  // What follows belongs to contracts with images.
  ...alike(badRequest, 'profiles.preferences_too_large', 'profiles.upload_missing', 'profiles.upload_too_large'),
  ...alike(badRequest, 'profiles.not_an_image', 'profiles.image_too_large', 'profiles.image_damaged'),
}

/** What is wrong with a request, in words, one text for each problem: shown by `failure` as a list. */
export const invalid = (...texts: string[]) => ({ errors: texts })

/** The answer to a request whose parts do not fit their schema; values are never repeated. */
export function validationError({ path, message }: ValidationError): ErrorAnswer {
  const field = path.split('/')[1]
  return { ...badRequest, details: invalid(field ? `${field} ${message}` : `The body ${message}`) }
}

/** The error form: `message` is a list where the request was at fault in its fields, and text everywhere else. */
export function failure(
  answered: ErrorAnswer,
  { errors: texts, problems, method }: Readonly<Record<string, unknown>>,
  { path }: { path: string },
): Failure {
  const { status: statusCode, code: error, message } = answered
  const listed = Array.isArray(texts) ? texts : Array.isArray(problems) ? problems.flatMap(textOf) : undefined
  const unknown = answered === errors['edge.not_found'] && typeof method === 'string'
  return {
    message: listed ? [...new Set(listed)] : unknown ? `Cannot ${method} ${path}` : message,
    error,
    statusCode,
    timestamp: new Date(systemClock.now()).toISOString(),
    path,
  }
}

const answers: Readonly<Record<string, ErrorAnswer>> = errors
const textOf = (code: string): string[] => (answers[code] ? [answers[code].message] : [])
