import type { Session } from '../../services/identity/index.ts'
import { setCookie } from '../_kit/cookies.ts'

const name = 'refreshToken'

// The path that only the routes of sign-in lie below: a cookie of that name and path is this contract's, whatever others set.
const attributes = (secure: boolean) => ({ path: '/api/auth', sameSite: 'strict', secure }) as const

/** The refresh tokens of a request, the likeliest first: in the body, or in cookies of several paths. */
export function presentedTokens(
  body: { refreshToken?: unknown },
  cookies: (name: string) => readonly string[],
): readonly string[] {
  const { refreshToken } = body
  return [...(typeof refreshToken === 'string' && refreshToken !== '' ? [refreshToken] : []), ...cookies(name)]
}

/** Keeps a session's refresh token where no script can read it, as long as it is good for. */
export const keepRefreshToken = ({ refreshToken }: Session, maxAge: number, secure: boolean) => ({
  'set-cookie': setCookie(name, refreshToken, { ...attributes(secure), maxAge }),
})

/** Lets the browser forget it. */
export const forgetRefreshToken = (secure: boolean) => ({
  'set-cookie': setCookie(name, '', { ...attributes(secure), maxAge: 0 }),
})
