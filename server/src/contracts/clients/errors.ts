import { alike, type Contract, type ErrorAnswer, type ErrorTable } from '../_kit/contract.ts'

/** @param detail what exactly is wrong, where the contract says more than its `error` */
const answer = (status: number, code: string, message: string, detail?: string): ErrorAnswer => ({
  status,
  code,
  message,
  ...(detail !== undefined && { details: { texts: [detail] } }),
})

const authFailed = (detail: string) => answer(401, 'AUTH_FAILED', 'Authentication failed', detail)
const registrationFailed = (detail: string) => answer(422, 'REGISTRATION_FAILED', 'Registration failed', detail)
const verificationFailed = answer(
  422,
  'VERIFICATION_FAILED',
  'Email verification failed',
  'The verification link is invalid, expired or was used before',
)
const resendFailed = (detail: string) => answer(422, 'RESEND_FAILED', 'The verification email was not sent', detail)
const forbidden = answer(403, 'FORBIDDEN', 'You are not allowed to do this')
const notFound = answer(404, 'NOT_FOUND', 'Not found')
const unavailable = answer(503, 'SERVICE_UNAVAILABLE', 'The service is not available at the moment; try again later')
// Codes of use cases that no route here calls: the compiler wants an answer, and this is an honest one.
const invalid = answer(422, 'VALIDATION_ERROR', 'The request is not valid')

/** Answers that a route gives by itself to a request that does not fit. */
export const validationErrors = {
  registration: answer(400, 'PARAMETER_MISSING', 'Send client: {email, name, password}, or the same fields unwrapped'),
  credentials: answer(400, 'PARAMETER_MISSING', 'email and password are required, as text'),
  code: answer(400, 'PARAMETER_MISSING', 'session_token and mfa_code are required, as text'),
  refreshToken: answer(400, 'PARAMETER_MISSING', 'refresh_token is required, as text'),
  verification: verificationFailed,
  resend: resendFailed('There is no such client'),
  profile: notFound,
} as const

/** What clients are answered to every code. */
export const errors: ErrorTable<'identity'> = {
  'edge.bad_request': answer(400, 'PARAMETER_MISSING', 'The request could not be understood; send JSON'),
  'edge.missing_token': answer(401, 'UNAUTHORIZED', 'Send an access token: Authorization: Bearer <token>'),
  'edge.invalid_token': answer(401, 'UNAUTHORIZED', 'The token is not valid or has expired'),
  'edge.forbidden': forbidden,
  'edge.not_found': notFound,
  'edge.method_not_allowed': answer(405, 'METHOD_NOT_ALLOWED', 'This address does not know this method'),
  'edge.request_timeout': answer(408, 'REQUEST_TIMEOUT', 'The request took too long to arrive'),
  'edge.payload_too_large': answer(413, 'PAYLOAD_TOO_LARGE', 'The body of the request is too large'),
  'edge.unsupported_media_type': answer(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send JSON: Content-Type: application/json'),
  'edge.headers_too_large': answer(431, 'HEADERS_TOO_LARGE', 'The headers of the request are too large'),
  'edge.rate_limited': answer(429, 'RATE_LIMITED', 'Too many requests; wait a moment and try again'),
  'edge.internal': answer(500, 'INTERNAL_ERROR', 'Something went wrong on our side'),
  ...alike(unavailable, 'edge.bad_gateway', 'edge.unavailable', 'edge.identity_unavailable', 'edge.timeout'),
  'identity.invalid_credentials': authFailed('Invalid email or password'),
  'identity.email_unverified': authFailed('The email address is not verified yet'),
  'identity.deactivated': authFailed('This account is deactivated'),
  'identity.second_factor_required': authFailed('A code is required'),
  'identity.must_change_password': answer(
    403,
    'PASSWORD_CHANGE_REQUIRED',
    'This password is too weak here',
    'Choose another one on the page that change_password_url names',
  ),
  'identity.invalid_code': answer(401, 'MFA_FAILED', 'MFA verification failed', 'The code is wrong or has expired'),
  'identity.username_invalid': registrationFailed('Email is invalid'),
  'identity.username_taken': registrationFailed('Email has already been taken'),
  'identity.email_invalid': registrationFailed('Email is invalid'),
  'identity.name_invalid': registrationFailed('Name must have 2 to 100 characters'),
  ...alike(invalid, 'identity.tenant_invalid', 'identity.wrong_password', 'identity.idempotency_key_reused'),
  'identity.password_too_short': registrationFailed('Password is too short (minimum is 8 characters)'),
  'identity.password_too_long': registrationFailed('Password is too long (maximum is 256 characters)'),
  'identity.password_too_simple': registrationFailed('Password needs more kinds of characters'),
  'identity.password_too_common': registrationFailed('Password is in lists of common passwords'),
  'identity.password_too_weak': registrationFailed('Password is too easy to guess'),
  'identity.password_mismatch': registrationFailed("Password confirmation doesn't match Password"),
  'identity.invalid_link': verificationFailed,
  'identity.already_verified': resendFailed('The email address is already verified'),
  'identity.too_many_links': resendFailed('Too many verification emails were sent; try again in an hour'),
  'identity.invalid_refresh_token': answer(401, 'REFRESH_FAILED', 'The refresh token is not valid any more'),
  'identity.account_not_found': resendFailed('There is no such client'),
  'identity.unknown_role': answer(422, 'VALIDATION_ERROR', 'There is no such role'),
  ...alike(forbidden, 'identity.last_administrator', 'identity.not_oneself', 'identity.not_allowed'),
  'identity.busy': unavailable,
}

/** The error form `{error, code, details?}`. A refused registration lists everything that is wrong with it. */
export const failure: Contract['failure'] = ({ message, code, details }, { problems }) => {
  const texts = Array.isArray(problems) ? [...new Set(problems.flatMap(textsOf))] : details?.texts
  return { error: message, code, ...(texts !== undefined && { details: texts }) }
}

const answers: Readonly<Record<string, ErrorAnswer>> = errors
const textsOf = (problem: string) => answers[problem]?.details?.texts ?? []
