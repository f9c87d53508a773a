import type { Documentation } from '../_kit/openapi/documentation.ts'
import { SecondCall } from '../_kit/second-factor.ts'
import fields from './fields.json' with { type: 'json' }
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
  fields,
}
