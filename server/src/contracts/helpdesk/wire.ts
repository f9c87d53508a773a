import Type from 'typebox'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Session } from '../../services/identity/index.ts'
import type { AccountView } from '../../services/realm/index.ts'
import type { ErrorAnswer } from '../_kit/contract.ts'
import { fieldErrorsOf, locations } from './errors.ts'

/** The helpdesk's shapes on the wire. */

const FieldProblem = Type.Object({
  type: Type.Literal('field'),
  path: Type.String(),
  location: Type.Enum([...locations]),
  msg: Type.String(),
})

/** Says the same in `message` (the reference) and in `error` (the guide). */
export const Failure = Type.Object({
  success: Type.Literal(false),
  message: Type.String(),
  error: Type.String(),
  code: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(FieldProblem)),
  path: Type.Optional(Type.String()),
  method: Type.Optional(Type.String()),
  session_token: Type.Optional(Type.String()),
  mfa_code: Type.Optional(Type.String()),
})

/** The error form: what does not fit by field, or where there is nothing. */
export function failure(
  { code, message, details = {} }: ErrorAnswer,
  { problems, path, method, errors = details.errors }: Readonly<Record<string, unknown>> = {},
): Type.Static<typeof Failure> {
  const listed = Array.isArray(problems) ? fieldErrorsOf(problems) : (errors as Type.Static<typeof Failure>['errors'])
  return {
    success: false,
    message,
    error: message,
    code,
    ...(listed && { errors: listed }),
    ...(typeof path === 'string' && { path }),
    ...(typeof method === 'string' && { method }),
  }
}

export const Message = Type.Object({ success: Type.Literal(true), message: Type.String() })
export const message = (text: string) => ({ success: true, message: text }) as const

const NullableText = Type.Union([Type.String(), Type.Null()])

const shortFields = { id: Type.String(), userId: Type.String(), email: NullableText, role: Type.String() }
/** Both names of the id: the reference's clients read one or the other. */
export const ShortUser = Type.Object(shortFields)
export type ShortUser = Type.Static<typeof ShortUser>

export const shortUserOf = ({ id, email, role }: AccountView): ShortUser => ({ id, userId: id, email, role })

/** The user that a token of the helpdesk was issued to. */
export const userOfClaims = ({ uid, email, role }: AccessClaims): ShortUser => ({
  id: uid,
  userId: uid,
  email: typeof email === 'string' ? email : null,
  role: String(role),
})

const longFields = {
  ...shortFields,
  isActive: Type.Boolean(),
  emailVerified: Type.Boolean(),
  createdAt: Type.String(),
  lastLogin: NullableText,
}
export const LongUser = Type.Object(longFields)

export const longUserOf = (account: AccountView): Type.Static<typeof LongUser> => ({
  ...shortUserOf(account),
  isActive: account.active,
  emailVerified: account.emailVerified,
  createdAt: account.createdAt.toISOString(),
  lastLogin: account.lastLoginAt?.toISOString() ?? null,
})

/** The long user with the reference's raw columns beside it. */
export const UserWithColumns = Type.Object({
  ...longFields,
  is_active: Type.Boolean(),
  email_verified: Type.Boolean(),
  created_at: Type.String(),
  last_login: NullableText,
})

export function userWithColumnsOf(account: AccountView): Type.Static<typeof UserWithColumns> {
  const user = longUserOf(account)
  const { isActive: is_active, emailVerified: email_verified, createdAt: created_at, lastLogin: last_login } = user
  return { ...user, is_active, email_verified, created_at, last_login }
}

/** The guide has the tokens at the top, the reference below `data`, and one client reads `token`. */
export const Tokens = Type.Object({
  success: Type.Literal(true),
  message: Type.String(),
  accessToken: Type.String(),
  token: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.String(),
  user: ShortUser,
  data: Type.Object({ accessToken: Type.String(), refreshToken: Type.String(), user: ShortUser }),
})

export function tokensOf(session: Session, text: string): Type.Static<typeof Tokens> {
  const { accessToken, refreshToken, account, accessTtl } = session
  const user = shortUserOf(account)
  return {
    success: true,
    message: text,
    accessToken,
    token: accessToken,
    refreshToken,
    expiresIn: lifetimeText(accessTtl),
    user,
    data: { accessToken, refreshToken, user },
  }
}

/** A lifetime as `JWT_EXPIRES_IN` has it: `24h`, `15m`, `90s`. */
export function lifetimeText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}
