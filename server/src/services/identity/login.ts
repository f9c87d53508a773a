import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import type { Client } from './policy.ts'
import { openSession, type Session } from './sessions.ts'
import * as store from './store.ts'

export interface LoginInput {
  username: string
  password: string
}

/** Opens a session for a correct password. */
export const login =
  (deps: Deps) =>
  async ({ username, password }: LoginInput, client: Client): Promise<Session> => {
    const { database, passwords, lockout, clock } = deps
    const { name: contract, policy } = client.terms
    const counter = lockout.counterOf(username, client)
    const found = await store.findCredentials(database, { tenant: policy.tenant, username, contract, counter })

    // An unknown name verifies against a dummy hash and can be locked too: neither time nor answer tells it apart.
    // While locked the hash is computed all the same, and the right password is refused like a wrong one.
    const correct = await passwords.verify(password, found.passwordHash)
    const locked = found.lockedUntil !== null && found.lockedUntil.getTime() > clock.now()
    if (!correct || locked || found.id === null) {
      await store.countFailure(database, counter, policy.lockout)
      throw refuse('identity.invalid_credentials')
    }
    if (!found.active) throw refuse('identity.deactivated')

    const outdated = found.passwordHash !== null && passwords.outdated(found.passwordHash)
    const session = await openSession(
      deps,
      {
        account: {
          id: found.id,
          number: found.number,
          username: found.username,
          email: found.email,
          role: found.role ?? policy.roles.person,
        },
        version: found.version,
        counter,
        upgradedHash: outdated ? await passwords.hash(password) : undefined,
      },
      client,
    )
    if (!session) throw refuse('identity.invalid_credentials')
    return session
  }
