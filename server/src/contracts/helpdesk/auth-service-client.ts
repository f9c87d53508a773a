import { refuseAtEdge } from '../../platform/errors.ts'
import { createGuardedClient, type GuardedClientOptions } from '../../platform/http/guarded-client.ts'
import { internalTokenHeader } from '../../platform/http/internal-client.ts'
import { accountOf, type Verification, verificationOf } from './auth-service-answers.ts'

export type { AuthServiceAccount, Verification, VerifiedUser } from './auth-service-answers.ts'

export type AuthServiceClient = ReturnType<typeof createAuthServiceClient>

/** `url` is without `/api/auth`: `AUTH_SERVICE_URL`; `timeoutMs`: `AUTH_SERVICE_TIMEOUT`. */
export interface AuthServiceClientOptions extends Omit<GuardedClientOptions, 'name'> {
  /** By which the auth service knows its own, whose questions it does not count: `INTERNAL_SERVICE_TOKEN`. */
  serviceToken?: string | undefined
}

/** What can stand behind `Bearer` (RFC 6750, 2.1). Anything else is no token, and not worth a question. */
const bearerForm = /^[\w.~+/-]+=*$/

/**
 * Opens what a service asks the helpdesk's auth service with: whom a token stands for, and who an account is. While no answer can be had, calls are refused with
 * `edge.identity_unavailable` in time.
 */
export function createAuthServiceClient({ serviceToken, ...options }: AuthServiceClientOptions) {
  const { ask, probe, unavailable, close } = createGuardedClient({ name: 'auth service', ...options })
  const ownName = serviceToken === undefined ? {} : { [internalTokenHeader]: serviceToken }

  const credentials = (bearer: string | undefined): Record<string, string> => {
    if (bearer === undefined && serviceToken === undefined) throw refuseAtEdge('edge.missing_token')
    if (bearer === undefined) return { authorization: `Bearer ${serviceToken}`, ...ownName }
    if (!bearerForm.test(bearer)) throw refuseAtEdge('edge.invalid_token')
    // Without the service's own token, which would open to the person what is not theirs to see.
    return { authorization: `Bearer ${bearer}` }
  }
  const findAccount = async (path: string, key: string, bearer: string | undefined) => {
    const headers = credentials(bearer)
    // Half a surrogate pair cannot be written in a URL; nobody's id or address has one.
    if (!key.isWellFormed()) return undefined
    const { status, content } = await ask({ path: `${path}/${encodeURIComponent(key)}`, headers, read: accountOf })
    if (content) return content
    // What cannot be an id or an address is nobody's either.
    if (status === 404 || status === 400) return undefined
    if (status === 401) throw refuseAtEdge('edge.invalid_token')
    if (status === 403) throw refuseAtEdge('edge.forbidden')
    throw unavailable(`it answered ${status}`)
  }

  return {
    /** Whom a token stands for; asked anew at every call. */
    async verify(token: string): Promise<Verification> {
      if (!bearerForm.test(token)) return { kind: 'invalid' }
      const headers = { authorization: `Bearer ${token}`, ...ownName }
      const { status, content } = await ask({ path: '/api/auth/verify', headers, read: verificationOf })
      if (content) return content
      if (status === 401) return { kind: 'invalid' }
      throw unavailable(`it answered ${status}`)
    },
    /**
     * The account of an id (UUID), undefined when there is none. With `bearer` it is asked in that person's name, who may read their
     * own account and, as an administrator, any; without, in the name of this service. Refuses with `edge.missing_token`,
     * `edge.invalid_token` or `edge.forbidden` when these credentials do not do.
     */
    userById: (id: string, bearer?: string) => findAccount('/api/auth/users', id, bearer),
    /** The same by an e-mail address. */
    userByEmail: (email: string, bearer?: string) => findAccount('/api/auth/users/email', email, bearer),
    /** Resolves when the auth service answers. For health checks: it takes no turn, and the breaker does not keep it back. */
    async ping(): Promise<void> {
      const question = { path: '/api/auth/health', headers: ownName, read: () => undefined }
      const { status } = await probe(question)
      if (status !== 200) throw unavailable(`it answered ${status}`)
    },
    /** Ends the connections; whoever still waits is refused. */
    close,
  }
}
