import { createOnce, type IdempotencyKey } from '../../platform/db/idempotency.ts'
import { newId } from '../../platform/ids.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import { longestPassword, type Terms, usernamePattern } from './policy.ts'
import * as store from './store.ts'

export interface NewAccountInput {
  username: string
  /** Without one nobody can sign in with a password yet. */
  password?: string | undefined
  email?: string | undefined
  /** A role other than a person's, granted for the terms' contract. */
  role?: string | undefined
}

/** Makes an account and tells the other services: what registering does, and what an administrator does for somebody else. */
export const createAccount =
  (deps: Deps) =>
  async (input: NewAccountInput, terms: Terms, idempotency?: IdempotencyKey): Promise<store.AccountRow> => {
    const { database, passwords } = deps
    const { tenant } = terms.policy
    checkUsername(input.username)
    checkEmail(input.email)
    if (input.password !== undefined) checkPassword(input.password, terms)
    const grant = input.role === undefined ? undefined : grantOf(terms, input.role)
    // Said before the hash is computed: a taken name must not cost what a password costs.
    if (!idempotency && (await store.usernameTaken(database, tenant, input.username))) {
      throw refuse('identity.username_taken')
    }

    const passwordHash = input.password === undefined ? null : await passwords.hash(input.password)
    const id = newId()
    const { username, email = null } = input
    const { created, fresh } = await createOnce(database, idempotency, {
      id,
      async create(tx) {
        const row = { id, tenant, username, email, passwordHash, eventId: newId(), grant }
        const made = await store.insertAccount(tx, row)
        if (!made) throw refuse('identity.username_taken')
        return made
      },
      async again(createdId) {
        const account = await store.findAccount(database, createdId)
        if (!account) throw refuse('identity.account_not_found')
        return account
      },
      reused: () => refuse('identity.idempotency_key_reused'),
    })
    if (fresh) deps.eventsRecorded()
    return created
  }

/** The grant of a role in a contract. */
export function grantOf({ name, policy }: Terms, role: string) {
  if (!policy.roles.all.includes(role)) throw refuse('identity.unknown_role', { role, known: policy.roles.all })
  return { contract: name, role, administrator: role === policy.roles.administrator }
}

function checkUsername(username: string): void {
  if (!usernamePattern.test(username)) throw refuse('identity.username_invalid')
}

/** One @ with something on both sides, within the lengths of RFC 5321; whether it works only a mail can tell. */
function checkEmail(email: string | undefined): void {
  if (email !== undefined && !/^[^\s@]{1,64}@[^\s@]{1,189}$/.test(email)) throw refuse('identity.email_invalid')
}

function checkPassword(password: string, { policy }: Terms): void {
  const { minLength } = policy.password
  if (password.length < minLength) throw refuse('identity.password_too_short', { minLength })
  if (password.length > longestPassword) throw refuse('identity.password_too_long', { maxLength: longestPassword })
}
