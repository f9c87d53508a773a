import Type from 'typebox'
import type { Documentation } from '../_kit/openapi/documentation.ts'
import { fields } from './fields.ts'
import { Failure, Message, Refreshed, SecondFactorWanted, SignedIn, User } from './wire.ts'

const admin = { email: 'admin@portal.example', password: 'Admin-portal-123!' }

// What two routes each ask for.
const NewUser = Type.Object({ name: fields.name, email: fields.email, password: fields.password, role: fields.role })
const GivenToken = Type.Object({ refreshToken: fields.refreshToken })

/** What the portal's OpenAPI document says beside its routes. */
export const documentation: Documentation = {
  description: `Sign-in and users behind one gateway, for a web application.

\`POST /auth/login\` puts the tokens into cookies that no script reads; a caller who keeps tokens sends \`X-Token-Delivery: body\`
and gets them in the answer, for *Authorize*. In development \`${admin.email}\` has the password \`${admin.password}\`. On a gateway
that other contracts share, the portal answers on its own host alone. Moments are ISO 8601 in UTC.`,
  tags: {
    'Sign in': 'Accounts, and the cookies or tokens that stand for one',
    Users: 'Oneself, and everybody for administrators',
  },
  schemas: { Failure, Message, SecondFactorWanted, SignedIn, Refreshed, GivenToken, NewUser, User },
  fields: {
    LoginRequest: [admin],
    NewUser: [{ name: 'Ada', email: 'ada@example.com', password: 'Pass-Phrase-12', role: 'merchant' }],
    'path.id': ['1', 'A whole number, as `id` in lists'],
    'query.limit': [undefined, 'Entries at most; 1000 when absent'],
    'query.offset': [undefined, 'How many entries to leave out before the first'],
    message: ['Login successful', 'What happened, for people'],
    error: ['Unauthorized', 'The status in words'],
    statusCode: [401],
    'Failure.timestamp': ['2026-11-21T09:30:00.000Z'],
    'Failure.path': ['/auth/login', 'What was asked, without its query'],
    session_token: ['q1tK7h9B…', 'From the answer that asked for a code; with `mfa_code`, in place of the password'],
    mfa_code: ['123456', 'Six digits from the mail; good for 5 minutes'],
    id: [1],
    name: ['Ada'],
    email: ['ada@portal.example'],
    password: ['Pass-Phrase-12'],
    role: ['delivery_person'],
    createdAt: ['2026-11-21T09:30:00.000Z'],
    updatedAt: ['2026-11-21T09:30:00.000Z'],
    accessToken: ['eyJhbGciOiJFUzI1NiIs…', 'Good for 15 minutes; for callers who asked for it'],
    refreshToken: ['Yz2sYp0X…', 'Renews the tokens, once, within 7 days'],
  },
}
