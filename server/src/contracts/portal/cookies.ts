import type { Session } from '../../services/identity/index.ts'
import type { RequestContext } from '../../services/realm/index.ts'
import { setCookie } from '../_kit/cookies.ts'

/** The cookie that signs a browser's requests. */
export const accessCookie = 'accessToken'
/** By which a caller asks for the tokens in the body beside. */
export const deliveryHeader = 'x-token-delivery'
/** The cookie that renews it. */
export const refreshCookie = 'refreshToken'

const attributes = (secure: boolean) => ({ path: '/', sameSite: 'strict', secure }) as const

/** Keeps a session's tokens where no script can read them, as long as they are good for. */
export const keepTokens = ({ accessToken, refreshToken }: Session, { realm }: RequestContext, secure: boolean) => ({
  'set-cookie': [
    setCookie(accessCookie, accessToken, { ...attributes(secure), maxAge: realm.policy.accessTtl }),
    setCookie(refreshCookie, refreshToken, { ...attributes(secure), maxAge: realm.policy.refreshTtl }),
  ],
})

/** Lets the browser forget both. */
export const forgetTokens = (secure: boolean) => ({
  'set-cookie': [accessCookie, refreshCookie].map((name) => setCookie(name, '', { ...attributes(secure), maxAge: 0 })),
})
