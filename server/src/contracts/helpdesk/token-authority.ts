import { refuseAtEdge } from '../../platform/errors.ts'
import type { TokenAuthority } from '../../platform/http/asked-tokens.ts'
import { isAccessClaims } from '../../platform/http/token-verifier.ts'
import type { TokenAuthorityOptions } from '../_kit/contract.ts'
import { createAuthServiceClient } from './auth-service-client.ts'

/** The auth service as what vouches for the tokens that the user service is shown. */
export function askAboutToken(options: TokenAuthorityOptions): TokenAuthority {
  const client = createAuthServiceClient(options)
  return {
    async ask(token) {
      const answer = await client.verify(token)
      if (answer.kind === 'invalid') return undefined
      if (isAccessClaims(answer.claims)) return answer.claims
      const reason = `auth service at ${options.url}: its answer lacks the claims of our tokens, such as sid, uid and ver`
      throw refuseAtEdge('edge.identity_unavailable', { upstream: options.url }, new Error(reason))
    },
    close: client.close,
  }
}
