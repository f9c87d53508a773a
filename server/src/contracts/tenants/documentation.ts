import type { Documentation } from '../_kit/openapi/documentation.ts'
import { SecondCall } from '../_kit/second-factor.ts'
import { Activities, Failure, Me, Message, Pair, SecondFactorWanted, User } from './wire.ts'

/** What the OpenAPI document of tenants says beside its routes. */
export const documentation: Documentation = {
  description: `Users who belong to tenants: registration, sign-in, roles and administration.

Register with \`POST /api/register\`, which makes the tenant as well, then sign in with \`POST /api/login\` and send the
\`access_token\` as Bearer. In development the first to register becomes a \`vendor_admin\`, who reaches every tenant.`,
  tags: {
    'Sign in': 'Accounts, and the tokens that stand for one',
    'Mailed links': 'Proving an address, and setting a forgotten password',
    'Your account': 'What everybody may read and change of themselves',
    Administration: 'Users of a tenant, for its administrators; of all of them, for vendors',
  },
  schemas: { Failure, Message, Tokens: Pair, SecondCall, SecondFactorWanted, User, Me, Activities },
  fields: {
    LoginRequest: [{ email: 'ada@example.com', password: 'Pass-Phrase-1', tenant_name: 'main' }],
    ResetPasswordRequest: [{ password: 'Pass-Phrase-2' }],
    'path.id': ['1', 'The number that lists show as `id`'],
    'path.token': ['n4Q0xZ7c…', 'From the mailed link; good for an hour'],
    'query.limit': [undefined, 'Entries at most'],
    'query.offset': [undefined, 'How many entries to leave out before the first'],
    'query.role': [undefined, 'Only users of that role; former names of roles count too'],
    'query.tenant_id': [undefined, 'Only users of that tenant; only vendors reach others than their own'],
    'query.action': [undefined, 'Only activities of that kind'],
    message: ['User logged in', 'What happened, for people'],
    msg: ['Token is invalid or has expired', 'The same again, where the token is at fault'],
    errors: [{ email: ['Missing data for required field.'] }, 'What is wrong, by field'],
    id: [1],
    email: ['ada@example.com'],
    password: ['Pass-Phrase-1', 'At least 8 characters: upper and lower case, a digit and another sign'],
    new_password: ['Pass-Phrase-2', 'The rules of a registration hold'],
    current_password: ['Pass-Phrase-1'],
    full_name: ['Ada Lovelace'],
    tenant_name: ['main', 'Made when there is none of that name; who makes a tenant administers it'],
    role: ['user', 'In a registration a wish that nobody is granted'],
    tenant_id: [1],
    is_active: [true, 'False: the user can no longer sign in, and has no session'],
    is_email_verified: [true],
    last_login: ['2026-11-21T09:30:00.000Z', 'Null before the first one'],
    preferences: [{ theme: 'dark' }, 'Whatever the client keeps there, up to 8 KiB of JSON'],
    token: ['n4Q0xZ7c…', 'From the mail; good for 24 hours'],
    access_token: ['eyJhbGciOiJFUzI1NiIs…', 'Goes with every call as Bearer; good for 15 minutes'],
    refresh_token: ['Yz2sYp0X…', 'Renews the tokens, once, within 30 days'],
    session_token: ['q1tK7h9B…', 'Names the sign-in that waits for its code'],
    mfa_code: ['123456', 'Six digits from the mail; good for 5 minutes'],
    action: ['login'],
    details: [{}],
    ip_address: ['192.0.2.7'],
    created_at: ['2026-11-21T09:30:00.000Z'],
    total: [1, 'Of all pages together'],
    active: [1],
    verified: [1],
    tenants: [1, 'How many there are'],
    user_id: [1, 'Null once the user is deleted'],
  },
}
