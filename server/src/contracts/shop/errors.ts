import { alike, type ErrorAnswer, type ErrorTable } from '../_kit/contract.ts'
import type { ServiceName } from '../_kit/services.ts'

const answer = (status: number, code: string, message: string): ErrorAnswer => ({ status, code, message })

const unavailable = answer(503, 'SERVICE_UNAVAILABLE', 'The service is not available at the moment. Try again later.')
const wrongCredentials = answer(401, 'INVALID_CREDENTIALS', 'The username or the password is wrong.')
const notCreated = (message: string) => answer(400, 'CREATION_FAILED', message)
const notOrdered = (message: string) => answer(400, 'ORDER_CREATION_FAILED', message)

/** The shop's answers that a route gives by itself to a request that does not fit. */
export const validationErrors = {
  credentials: answer(400, 'MISSING_CREDENTIALS', 'username and password are required, as text.'),
  token: answer(400, 'MISSING_TOKEN', 'A token is required, as text.'),
  username: answer(400, 'MISSING_USERNAME', 'username is required, as text.'),
  person: notCreated('The fields of the user must be text of the allowed length.'),
  change: answer(400, 'UPDATE_FAILED', 'The fields to change must be text of the allowed length.'),
  items: answer(400, 'MISSING_ITEMS', 'items is required: a list with at least one {product_id, quantity}.'),
  line: notOrdered(
    'Each of at most 100 items needs a product_id and a quantity, whole numbers, quantity from 1 to 1000.',
  ),
  missingStatus: answer(400, 'MISSING_STATUS', 'status is required.'),
  status: answer(400, 'INVALID_STATUS', 'status must be pending, confirmed, shipped, delivered or cancelled.'),
} as const

/** What the shop answers to every code. */
export const errors: ErrorTable<ServiceName> = {
  'edge.bad_request': answer(400, 'BAD_REQUEST', 'The request could not be understood.'),
  'edge.missing_token': answer(401, 'MISSING_TOKEN', 'Send an access token: Authorization: Bearer <token>.'),
  'edge.invalid_token': answer(401, 'INVALID_TOKEN', 'The token is not valid or has expired. Sign in again.'),
  ...alike(answer(403, 'FORBIDDEN', 'You are not allowed to do this.'), 'edge.forbidden', 'identity.not_allowed'),
  'edge.not_found': answer(404, 'NOT_FOUND', 'There is nothing at this address.'),
  'edge.method_not_allowed': answer(405, 'METHOD_NOT_ALLOWED', 'This address does not know this method.'),
  'edge.request_timeout': answer(408, 'REQUEST_TIMEOUT', 'The request took too long to arrive.'),
  'edge.payload_too_large': answer(413, 'PAYLOAD_TOO_LARGE', 'The body of the request is too large.'),
  'edge.unsupported_media_type': answer(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send JSON: Content-Type: application/json.'),
  'edge.headers_too_large': answer(431, 'HEADERS_TOO_LARGE', 'The headers of the request are too large.'),
  'edge.rate_limited': answer(429, 'RATE_LIMITED', 'Too many requests. Wait a moment and try again.'),
  'edge.internal': answer(500, 'INTERNAL_ERROR', 'Something went wrong on our side.'),
  ...alike(unavailable, 'edge.bad_gateway', 'edge.unavailable', 'edge.identity_unavailable', 'edge.timeout'),
  ...alike(wrongCredentials, 'identity.invalid_credentials', 'identity.invalid_code'),
  'identity.email_unverified': answer(403, 'EMAIL_NOT_VERIFIED', 'The e-mail address of this account is not verified.'),
  'identity.deactivated': answer(403, 'ACCOUNT_DEACTIVATED', 'This account is deactivated.'),
  'identity.second_factor_required': answer(
    403,
    'MFA_REQUIRED',
    'A code was sent by e-mail. Send session_token and mfa_code to this address.',
  ),
  'identity.must_change_password': answer(
    403,
    'PASSWORD_CHANGE_REQUIRED',
    'This password is too weak for the shop. Choose another one on the page that change_password_url names.',
  ),
  'identity.username_invalid': notCreated(
    'The username must have 2 to 254 letters, digits or the signs . _ @ + - and may be no e-mail address but your own.',
  ),
  'identity.username_taken': notCreated('This username is taken.'),
  'identity.email_invalid': notCreated('This is not an e-mail address.'),
  'identity.name_invalid': notCreated('The name is not acceptable.'),
  'identity.tenant_invalid': notCreated('There is no such tenant.'),
  'identity.password_too_short': notCreated('The password must have at least 8 characters.'),
  'identity.password_too_long': notCreated('The password may have at most 256 characters.'),
  'identity.password_too_simple': notCreated('The password needs more kinds of characters.'),
  'identity.password_too_common': notCreated('This password is in lists of common passwords.'),
  'identity.password_too_weak': notCreated('This password is too easy to guess.'),
  'identity.password_mismatch': notCreated('The two passwords differ.'),
  'identity.wrong_password': answer(401, 'INVALID_CREDENTIALS', 'The present password is wrong.'),
  'identity.invalid_link': answer(400, 'INVALID_LINK', 'This link is not valid any more.'),
  'identity.already_verified': answer(400, 'ALREADY_VERIFIED', 'This e-mail address is verified already.'),
  'identity.too_many_links': answer(429, 'RATE_LIMITED', 'Too many mails were sent. Try again later.'),
  'identity.invalid_refresh_token': answer(
    401,
    'INVALID_TOKEN',
    'The refresh token is not valid any more. Sign in again.',
  ),
  ...alike(answer(404, 'USER_NOT_FOUND', 'There is no such user.'), 'identity.account_not_found', 'profiles.not_found'),
  'identity.unknown_role': answer(400, 'UNKNOWN_ROLE', 'There is no such role.'),
  'identity.last_administrator': answer(403, 'FORBIDDEN', 'The last administrator cannot be deleted or demoted.'),
  'identity.not_oneself': answer(403, 'FORBIDDEN', 'Nobody can do this to their own account.'),
  'identity.idempotency_key_reused': notCreated('This Idempotency-Key was sent before with another request.'),
  ...alike(unavailable, 'identity.busy', 'profiles.busy'),
  'profiles.nothing_to_change': answer(
    400,
    'UPDATE_FAILED',
    'Nothing to change: send email, first_name, last_name, phone or address.',
  ),
  // The shop takes no images.
  ...alike(
    validationErrors.person,
    'profiles.preferences_too_large',
    'profiles.upload_missing',
    'profiles.upload_too_large',
  ),
  ...alike(validationErrors.person, 'profiles.not_an_image', 'profiles.image_too_large', 'profiles.image_damaged'),
  'orders.product_not_found': answer(404, 'PRODUCT_NOT_FOUND', 'There is no such product.'),
  'orders.order_not_found': answer(404, 'ORDER_NOT_FOUND', 'There is no such order.'),
  'orders.unknown_product': notOrdered('One of the products does not exist.'),
  'orders.not_enough_stock': notOrdered('There is not enough stock of one of the products.'),
  'orders.invalid_transition': answer(409, 'INVALID_TRANSITION', 'The order cannot go from its status to this one.'),
  'orders.transition_not_allowed': answer(403, 'FORBIDDEN', 'Only an administrator may set this status.'),
  'orders.idempotency_key_reused': notOrdered('This Idempotency-Key was sent before with another order.'),
}
