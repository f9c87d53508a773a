import { refuseAtEdge } from '../../platform/errors.ts'
import type { Introspector } from '../../platform/tokens/introspection.ts'
import { isAccessClaims } from '../../platform/tokens/verifier.ts'
import type { IntrospectionOptions } from '../_kit/deployment.ts'
import type { AuthServiceClient } from './auth-service-client.ts'

/** The auth service as what vouches for the tokens that the user service is shown. */
export function openIntrospection(options: IntrospectionOptions): Introspector {
  // Loaded where it is asked: a process that has the auth service itself never does.
  let opened: Promise<AuthServiceClient> | undefined
  const open = () =>
    import('./auth-service-client.ts').then(({ createAuthServiceClient }) => createAuthServiceClient(options))
  return {
    async ask(token) {
      opened ??= open()
      const answer = await (await opened).verify(token)
      if (answer.kind === 'invalid') return undefined
      if (isAccessClaims(answer.claims)) return answer.claims
      const reason = `auth service at ${options.url}: its answer lacks the claims of our tokens, such as sid, uid and ver`
      throw refuseAtEdge('edge.identity_unavailable', { upstream: options.url }, new Error(reason))
    },
    close: async () => (await opened)?.close(),
  }
}
