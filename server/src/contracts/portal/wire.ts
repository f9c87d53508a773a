import Type from 'typebox'
import type { Session } from '../../services/identity/index.ts'
import type { Profile } from '../../services/profiles/index.ts'
import type { AccountView } from '../../services/realm/index.ts'
import { memoize } from '../_kit/memoize.ts'

/** The portal's shapes on the wire. */

export const Failure = Type.Object({
  /** A list of texts where the fields of the request are at fault. */
  message: Type.Union([Type.String(), Type.Array(Type.String())]),
  error: Type.String(),
  statusCode: Type.Integer(),
  timestamp: Type.String(),
  path: Type.String(),
})
export type Failure = Type.Static<typeof Failure>

/** How a sign-in goes on for an account with a second factor. */
export const SecondFactorWanted = Type.Object({
  ...Failure.properties,
  code: Type.Literal('MFA_REQUIRED'),
  session_token: Type.String(),
  mfa_code: Type.Optional(Type.String({ description: 'In development only.' })),
})

export const Message = Type.Object({ message: Type.String() })
export const message = (text: string) => ({ message: text })

export const User = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  // Accounts of other contracts may have none.
  email: Type.Union([Type.String(), Type.Null()]),
  role: Type.String(),
  createdAt: Type.String(),
  updatedAt: Type.String(),
})

/** A user who was changed, and what is left to do for it. */
export const ChangedUser = Type.Object({ ...User.properties, message: Type.Optional(Type.String()) })

/** A user as profiles knows them. Other contracts ask for given and family name in place of one name. */
export function userOf(person: Profile): Type.Static<typeof User> {
  const { number, username, email, displayName, firstName, lastName, role, createdAt, updatedAt } = person
  const parts = [firstName, lastName].filter(Boolean).join(' ')
  return {
    id: number,
    name: displayName || parts || username,
    email,
    role,
    createdAt: createdAt.toISOString(),
    updatedAt: (updatedAt ?? createdAt).toISOString(),
  }
}

/** A bare list; its service may hand out the same one again. */
export const usersOf = memoize((people: readonly Profile[]) => people.map(userOf))

/** A user as identity knows them, where they register and sign in: with the address that they do so by. */
export const userOfAccount = (account: AccountView): Type.Static<typeof User> => ({
  id: account.number,
  name: account.displayName || account.username,
  email: signsInBy(account),
  role: account.role,
  createdAt: account.createdAt.toISOString(),
  updatedAt: account.updatedAt.toISOString(),
})

/** The tokens themselves, for callers who ask for them; browsers have them in cookies that no script can read. */
const tokens = { accessToken: Type.Optional(Type.String()), refreshToken: Type.Optional(Type.String()) }

export const SignedIn = Type.Object({ user: User, ...Message.properties, ...tokens })
export const Refreshed = Type.Object({ ...Message.properties, ...tokens })

/** @param wanted whether the caller wants the tokens in the body */
export const tokensFor = ({ accessToken, refreshToken }: Session, wanted: boolean) =>
  wanted ? { accessToken, refreshToken } : {}

/** An address that was never proven opens nothing: where the name is one, that does. */
const signsInBy = ({ email, emailVerified, username }: AccountView): string | null =>
  !emailVerified && username.includes('@') ? username.toLowerCase() : email
