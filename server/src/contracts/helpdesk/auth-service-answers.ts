import { UnreadableAnswer } from '../../platform/http/guarded-client.ts'

/** Somebody whom the auth service vouches for. */
export interface VerifiedUser {
  /** UUID of the account. */
  id: string
  email: string | null
  role: string
}

/** What the auth service says of a token. */
export type Verification =
  | {
      kind: 'valid'
      user: VerifiedUser
      /** The token's own claims, as the auth service reads them; empty when it does not tell. */
      claims: Readonly<Record<string, unknown>>
      /** When the token ends; undefined when the auth service does not tell. */
      expiresAt: Date | undefined
    }
  /** Missing, malformed, expired or revoked; or the account is deactivated. */
  | { kind: 'invalid' }

/** An account, as the auth service shows it to another service. */
export interface AuthServiceAccount extends VerifiedUser {
  isActive: boolean
  emailVerified: boolean
  createdAt: Date
  lastLogin: Date | null
}

/** Reads the 200 of `GET /api/auth/verify`: the guide's form, with everything at the top, or the reference's, below `data`. */
export function verificationOf(body: unknown): Verification {
  const top = recordOf(body)
  const data = recordOf(top.data)
  const said = [top.success, top.valid, data.valid]
  if (said.includes(false)) return { kind: 'invalid' }
  // An answer that says neither is somebody else's, such as the page of a proxy.
  if (!said.includes(true)) throw new UnreadableAnswer('it does not say whether the token is valid')
  const claims = recordOf(data.tokenData)
  const { exp } = claims
  const { expiresAt } = recordOf(data.token)
  const end = expiresAt ?? (typeof exp === 'number' ? exp * 1000 : undefined)
  return {
    kind: 'valid',
    user: userOf(recordOf(top.user ?? data.user)),
    claims,
    expiresAt: end === undefined ? undefined : dateOf(end, 'expiresAt'),
  }
}

/** Reads the 200 of `GET /api/auth/users/…`: an account, or the raw columns that the reference sends when asked by address. */
export function accountOf(body: unknown): AuthServiceAccount {
  const top = recordOf(body)
  const found = recordOf(top.data ?? top.user)
  const lastLogin = found.lastLogin ?? found.last_login ?? null
  return {
    ...userOf(found),
    isActive: (found.isActive ?? found.is_active) === true,
    emailVerified: (found.emailVerified ?? found.email_verified) === true,
    createdAt: dateOf(found.createdAt ?? found.created_at, 'createdAt'),
    lastLogin: lastLogin === null ? null : dateOf(lastLogin, 'lastLogin'),
  }
}

function userOf({ userId, id = userId, email, role }: Readonly<Record<string, unknown>>): VerifiedUser {
  if (typeof id !== 'string' || id === '' || typeof role !== 'string') {
    throw new UnreadableAnswer('it names no user with an id and a role')
  }
  return { id, email: typeof email === 'string' ? email : null, role }
}

function dateOf(value: unknown, name: string): Date {
  const date = new Date(typeof value === 'string' || typeof value === 'number' ? value : Number.NaN)
  if (Number.isNaN(date.getTime())) throw new UnreadableAnswer(`its ${name} is no date`)
  return date
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
