import Type from 'typebox'
import type { Documentation } from '../_kit/openapi/documentation.ts'
import fields from './fields.json' with { type: 'json' }
import { fields as inBodies } from './fields.ts'
import { Failure, Message, Refreshed, SecondFactorWanted, SignedIn, User } from './wire.ts'

const admin = { email: 'admin@portal.example', password: 'Admin-portal-123!' }

// What two routes each ask for.
const NewUser = Type.Object({
  name: inBodies.name,
  email: inBodies.email,
  password: inBodies.password,
  role: inBodies.role,
})
const GivenToken = Type.Object({ refreshToken: inBodies.refreshToken })

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
  fields,
}
