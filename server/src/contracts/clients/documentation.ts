import type { Documentation } from '../_kit/openapi/documentation.ts'
import fields from './fields.json' with { type: 'json' }
import { ClientObject, Failure, Message, MessageWithClient, Profile } from './wire.ts'

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
  fields,
}
