import { alike, type ErrorAnswer, type ErrorTable, type ValidationError } from '../_kit/contract.ts'

// The wire shows no codes; these two only tell the forms apart.
const plain = (status: number, message: string): ErrorAnswer => ({ status, code: 'plain', message })
const token = (message: string): ErrorAnswer => ({ status: 401, code: 'token', message })

const unavailable = plain(503, 'Service unavailable')
const notFound = plain(404, 'Resource not found')
const unauthorized = plain(403, 'Unauthorized')
const tooManyRequests = plain(429, 'Too many requests')
const badRequest = plain(400, 'Bad request')
const taken = plain(400, 'User already exists')
const invalidEmail = plain(400, 'Invalid email address')
const invalidCredentials = plain(401, 'Invalid credentials')
const invalidLink = plain(400, 'Invalid or expired token')

/** What the user service answers to every code. */
export const errors: ErrorTable<'identity'> = {
  'edge.bad_request': badRequest,
  'edge.missing_token': token('Missing Authorization header: send Bearer <token>'),
  'edge.invalid_token': token('Token is invalid or has expired'),
  'edge.forbidden': unauthorized,
  'edge.not_found': notFound,
  'edge.method_not_allowed': plain(405, 'Method not allowed'),
  'edge.request_timeout': plain(408, 'Request timeout'),
  'edge.payload_too_large': plain(413, 'Request body too large'),
  'edge.unsupported_media_type': plain(415, 'Send JSON: Content-Type: application/json'),
  'edge.headers_too_large': plain(431, 'Request headers too large'),
  'edge.rate_limited': tooManyRequests,
  'edge.internal': plain(500, 'Internal server error'),
  ...alike(unavailable, 'edge.bad_gateway', 'edge.unavailable', 'edge.identity_unavailable', 'edge.timeout'),
  ...alike(invalidCredentials, 'identity.invalid_credentials', 'identity.invalid_code'),
  'identity.email_unverified': plain(401, 'Email is not verified'),
  'identity.deactivated': plain(401, 'Account is inactive'),
  'identity.second_factor_required': plain(
    403,
    'A code was sent by email: send session_token and mfa_code to this address',
  ),
  ...alike(invalidEmail, 'identity.username_invalid', 'identity.email_invalid'),
  'identity.username_taken': taken,
  'identity.name_invalid': plain(400, 'Invalid full_name'),
  'identity.tenant_invalid': plain(400, 'tenant_name must have 1 to 100 characters'),
  'identity.password_too_short': plain(400, 'Password must have at least 8 characters'),
  'identity.password_too_long': plain(400, 'Password may have at most 256 characters'),
  'identity.password_too_simple': plain(
    400,
    'Password must have an upper-case and a lower-case letter, a digit and a special character',
  ),
  'identity.password_too_common': plain(400, 'Password is in lists of common passwords'),
  'identity.password_too_weak': plain(400, 'Password is too easy to guess'),
  'identity.password_mismatch': plain(400, 'The two passwords differ'),
  'identity.wrong_password': plain(400, 'Current password is incorrect'),
  ...alike(invalidLink, 'identity.invalid_link', 'identity.already_verified'),
  'identity.too_many_links': tooManyRequests,
  'identity.invalid_refresh_token': token('Refresh token is invalid or has expired'),
  'identity.account_not_found': notFound,
  'identity.unknown_role': plain(400, 'Unknown role'),
  ...alike(unauthorized, 'identity.last_administrator', 'identity.not_oneself', 'identity.not_allowed'),
  'identity.idempotency_key_reused': plain(400, 'This Idempotency-Key was sent before with another request'),
  'identity.busy': unavailable,
}

/**
 * The error form: `message`, with every problem of a refused password in words; also as `msg` when the token is at fault, as token
 * libraries have it; and with the fields' own problems when the request did not fit.
 */
export function failure(
  { code, message }: ErrorAnswer,
  { problems, errors: fields }: Readonly<Record<string, unknown>>,
) {
  if (fields !== undefined) return { message: 'Validation error', errors: fields }
  if (code === 'token') return { message, msg: message }
  const texts = Array.isArray(problems)
    ? problems.map((problem: keyof typeof errors) => errors[problem].message)
    : [message]
  return { message: [...new Set(texts)].join('. ') }
}

/** Fields with what is wrong with each: shown by the validation form. */
export const invalidFields = (problems: Readonly<Record<string, string>>) => ({
  errors: Object.fromEntries(Object.entries(problems).map(([field, problem]) => [field, [problem]])),
})

const missing = 'Missing data for required field'
/** Fields of which one at least has to be there. */
export const missingFields = (...names: string[]) =>
  invalidFields(Object.fromEntries(names.map((name) => [name, missing])))

/** The validation form for whatever does not fit. */
export function validationFailure({ path, keyword, message }: ValidationError): ErrorAnswer {
  const problem = keyword === 'required' ? missing : `This value ${message}`
  return { ...badRequest, details: invalidFields({ [fieldOf(path) || 'body']: problem }) }
}

/** One sentence for a field that is missing or not acceptable; a role that there is not gets the validation form. */
export function fieldError(validationError: ValidationError): ErrorAnswer {
  const field = fieldOf(validationError.path)
  if (field === 'role') return validationFailure(validationError)
  if (field === '') return plain(400, 'Send a JSON object')
  return plain(400, validationError.keyword === 'required' ? `Missing required field: ${field}` : `Invalid ${field}`)
}

const fieldOf = (path: string): string => path.split('/')[1] ?? ''
