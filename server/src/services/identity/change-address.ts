import { violates } from '../../platform/db/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { newId } from '../../platform/ids.ts'
import type { RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { eventsJson } from './events.ts'
import { addressChangesPerHour, changeTtl, emailPattern, undoTtl } from './limits.ts'
import { authenticate, challengeFor, refuseLocked, type SecondFactorChallenge } from './login.ts'
import { requestPasswordReset } from './reset-password.ts'
import * as store from './store/index.ts'
import { verificationLink } from './verify-email.ts'
import { type CodeInput, checkCode } from './verify-second-factor.ts'

export interface ProposalOptions {
  /** True to refuse an address that another account goes by with `identity.username_taken`. */
  tellTaken?: boolean | undefined
}

/**
 * Begins a change of address: a link is mailed to the new one, whose page asks for the password. Sign-in and recovery go by the
 * address before until then. Nothing is mailed for the address that the account has, or above the hourly limit of links. Refuses an
 * address that no mail server takes with `identity.email_invalid`.
 */
export const proposeEmail =
  (deps: Deps) =>
  async (
    accountId: string,
    email: string,
    context: RequestContext,
    { tellTaken = false }: ProposalOptions = {},
  ): Promise<void> => {
    const { realm } = context
    const newEmail = email.trim().toLowerCase()
    if (!emailPattern.test(newEmail)) throw refuse('identity.email_invalid')
    const mailed = await deps.database.transaction(async (tx) => {
      if (!(await store.lockAccount(tx, accountId))) return false
      const account = await store.findAccount(tx, accountId, realm.name)
      if (!account || (account.email === newEmail && account.emailVerified)) return false
      // It is not another one: whoever has the mailbox proves it.
      if (account.email === newEmail) return store.insertLink(tx, verificationLink(deps, accountId, context))
      const own = account.username.toLowerCase() === newEmail
      if (tellTaken && !own && (await store.findHolder(tx, account.tenantId, newEmail, realm.name)))
        throw refuse('identity.username_taken')
      return store.insertLink(tx, {
        id: newId(),
        accountId,
        contract: realm.name,
        type: 'address_change',
        newEmail,
        expiresAt: after(deps, changeTtl),
        mailId: newId(),
        mailKind: 'confirm_address',
        perHour: addressChangesPerHour,
        events: eventsJson([]),
        activity: null,
        ...originOf(context),
      })
    })
    if (mailed) deps.mailQueued()
  }

/** The link of a change that is under way, with the address that it leads to; refuses with `identity.invalid_link`. */
export const readAddressChange =
  (deps: Deps) =>
  async (token: string, { realm }: RequestContext): Promise<{ newEmail: string }> => {
    const { link } = await findLink(deps, token, 'address_change', realm.name)
    return { newEmail: link.linkEmail }
  }

export type AddressChange =
  | { kind: 'changed' }
  /** A code was mailed to the address before. */
  | { kind: 'second_factor'; challenge: SecondFactorChallenge }

/**
 * Finishes a change of address for somebody who has the link and knows the password (refused with `identity.wrong_password`, counted
 * and locked as a sign-in is) and, where the account has a second factor, the code that goes to the address before. Access tokens from
 * before are refused everywhere when this resolves. The address before is told, and can undo it for seven days.
 */
export const confirmAddress =
  (deps: Deps) =>
  async (input: { token: string; password: string }, context: RequestContext): Promise<AddressChange> => {
    const { id, link } = await findLink(deps, input.token, 'address_change', context.realm.name)
    const known = await passwordOf(deps, link, input.password, context)
    const challenge = link.emailVerified ? await challengeFor(deps, known, context) : undefined
    if (challenge) return { kind: 'second_factor', challenge }
    await finish(deps, { id, accountId: link.id, email: link.linkEmail, byCode: false }, context)
    return { kind: 'changed' }
  }

/** The same with that code. */
export const confirmAddressByCode =
  (deps: Deps) =>
  async (input: CodeInput & { token: string }, context: RequestContext): Promise<AddressChange> => {
    const { id, link } = await findLink(deps, input.token, 'address_change', context.realm.name)
    const known = await checkCode(deps, input, context)
    const own = known.account.id === link.id && (await store.useChallenge(deps.database, known.challengeId))
    if (!own) throw refuse('identity.invalid_code')
    await finish(deps, { id, accountId: link.id, email: link.linkEmail, byCode: true }, context)
    return { kind: 'changed' }
  }

/** What an undo would bring back, and whether it asks for the password; refuses with `identity.invalid_link`. */
export const readUndo =
  (deps: Deps) =>
  async (token: string, { realm }: RequestContext): Promise<{ email: string; needsPassword: boolean }> => {
    const { link } = await findLink(deps, token, 'address_undo', realm.name)
    return { email: link.linkEmail, needsPassword: link.details.byCode === true }
  }

/**
 * Takes an account back by the link that the address before was mailed: that address, with the name and second factor of then, is the
 * account's again; every link and session ends, and a link to choose a new password is mailed to it. Only the oldest undo of an account
 * counts: whoever has moved it in between cannot use theirs.
 */
export const undoAddress =
  (deps: Deps) =>
  async (input: { token: string; password?: string | undefined }, context: RequestContext): Promise<void> => {
    const { id, link } = await findLink(deps, input.token, 'address_undo', context.realm.name)
    // Confirmed by a code to the old mailbox, the change was its owner's: the mailbox alone does not undo it.
    if (link.details.byCode === true) await passwordOf(deps, link, input.password ?? '', context)
    const undone = await deps.database
      .transaction(async (tx) => {
        await store.lockAccount(tx, link.id)
        return store.undoAddress(tx, {
          id,
          contract: context.realm.name,
          until: revokedUntil(deps),
          ...originOf(context),
        })
      })
      .catch(refuseTaken)
    if (!undone) throw refuse('identity.invalid_link')
    await deps.revocations.broadcast()
    const tenant = link.tenantName
    await requestPasswordReset(deps)({ email: link.linkEmail, tenant }, context)
  }

async function findLink(deps: Deps, token: string, type: 'address_change' | 'address_undo', contract: string) {
  const id = deps.secrets.idOf(token)
  const link = id === undefined ? undefined : await store.findLink(deps.database, { id, type, contract })
  if (!id || !link || link.used || link.over) throw refuse('identity.invalid_link')
  return { id, link }
}

async function passwordOf(deps: Deps, link: store.LinkRow, password: string, context: RequestContext) {
  const input = { identifier: link.username, tenant: link.tenantName, password }
  try {
    const known = await authenticate(deps, input, context)
    await refuseLocked(deps, known)
    return known
  } catch (error) {
    const wrong = error instanceof DomainError && error.code === 'identity.invalid_credentials'
    throw wrong ? refuse('identity.wrong_password') : error
  }
}

async function finish(
  deps: Deps,
  { id, accountId, email, byCode }: { id: string; accountId: string; email: string; byCode: boolean },
  context: RequestContext,
): Promise<void> {
  await deps.database
    .transaction(async (tx) => {
      await store.lockAccount(tx, accountId)
      await store.yieldAddress(tx, { accountId, email })
      const changed = await store.changeAddress(tx, {
        id,
        contract: context.realm.name,
        until: revokedUntil(deps),
        undo: { id: newId(), mailId: newId(), expiresAt: after(deps, undoTtl), byCode },
        ...originOf(context),
      })
      // Nobody gives the address up for a change that is not made.
      if (!changed) throw refuse('identity.invalid_link')
    })
    .catch(refuseTaken)
  deps.mailQueued()
  await deps.revocations.broadcast()
}

/** Another account of the tenant proved the address meanwhile, or is named by it. */
export function refuseTaken(error: unknown): never {
  if (violates(error, 'accounts_verified_email') || violates(error, 'accounts_username'))
    throw refuse('identity.invalid_link')
  throw error
}
