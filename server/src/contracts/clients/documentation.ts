import type { Documentation } from '../_kit/openapi/documentation.ts'
import { ClientObject, Failure, Message, MessageWithClient, Profile } from './wire.ts'

const registration = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'a long pass phrase' }

/** What the OpenAPI document of clients says beside its routes. */
export const documentation: Documentation = {
  description: `Registration, verified e-mail addresses, and sign-in with a mailed code.

A sign-in has two steps: \`POST /api/v1/auth/login\` mails a code, \`POST /api/v1/auth/verify_mfa\` takes it and answers with
tokens. Send \`token\` as Bearer. In development \`guichet seed\` makes \`client@example.com\`, and the first answer has the code.
Moments are ISO 8601 in UTC.`,
  tags: {
    Registration: 'Accounts, and the proof that an e-mail address is theirs',
    'Sign in': 'Password, mailed code, and the tokens that stand for both',
    Profile: "The caller's own account",
  },
  schemas: { Failure, Message, MessageWithClient, Client: ClientObject, Profile },
  fields: {
    RegisterRequest: [{ client: registration }],
    VerifyEmailRequest: [{ token: 'n4Q0xZ7c…' }],
    LoginRequest: [{ email: 'client@example.com', password: 'password123' }],
    VerifyMfaRequest: [{ session_token: 'q1tK7h9B…', mfa_code: '123456' }],
    'path.id': ['0198f2c4-6f3a-7c1e-9b52-3a4d5e6f7081', 'The `id` of the client; `me` for oneself where one reads'],
    'query.token': [undefined, 'From the mailed link; good for 24 hours'],
    'VerifyEmailRequest.token': ['n4Q0xZ7c…', 'From the mailed link, where it is not in the query'],
    error: ['Invalid credentials', 'What happened, for people'],
    code: ['123456', 'The same as `mfa_code`, by another name'],
    'Failure.code': [undefined, 'What happened, for programs'],
    details: [['Name is too short'], 'One text for each thing that is wrong'],
    message: ['Login successful.'],
    id: ['0198f2c4-6f3a-7c1e-9b52-3a4d5e6f7081'],
    client_id: ['0198f2c4-6f3a-7c1e-9b52-3a4d5e6f7081', 'The same as `client.id`'],
    email: ['ada@example.com'],
    name: ['Ada Lovelace'],
    email_verified: [true, 'Without it nobody can sign in'],
    mfa_enabled: [true, 'Whether a sign-in is asked for a code; verifying the address turns it on'],
    created_at: ['2026-11-21T09:30:00.000Z'],
    updated_at: ['2026-11-21T09:30:00.000Z'],
    password: ['password123'],
    session_token: ['q1tK7h9B…', 'Names the sign-in that waits for its code; good for 5 minutes'],
    mfa_code: ['123456', 'Six digits from the mail'],
    token: ['eyJhbGciOiJFUzI1NiIs…', 'The access token'],
    expires_at: ['2026-11-22T09:30:00.000Z', 'When the access token ends'],
    refresh_token: ['Yz2sYp0X…', 'Renews the tokens, once, within 30 days'],
  },
}
