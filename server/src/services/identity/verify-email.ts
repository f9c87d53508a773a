import { violates } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf } from './deps.ts'
import { refuse } from './errors.ts'
import { announced, eventsJson } from './events.ts'
import { emailPattern, verificationsPerHour, verificationTtl } from './limits.ts'
import * as store from './store/index.ts'

export interface VerifiedEmail {
  account: AccountView
  /** True when this very link was used before, and nothing changed now. */
  already: boolean
}

/**
 * Proves the address that a link was mailed to. A link that was used already says so; one that is unknown, expired, replaced or of
 * another account is refused with `identity.invalid_link`.
 * @param accountId the account that the link has to be of, where the contract names it
 */
export const verifyEmail =
  (deps: Deps) =>
  async (input: { token: string; accountId?: string }, context: RequestContext): Promise<VerifiedEmail> => {
    const { database, secrets } = deps
    const { realm } = context
    const id = secrets.idOf(input.token)
    const link =
      id === undefined
        ? undefined
        : await store.findLink(database, { id, type: 'email_verification', contract: realm.name })
    if (!id || !link || (input.accountId !== undefined && input.accountId !== link.id))
      throw refuse('identity.invalid_link')
    const account = store.viewOf(link, realm.policy.roles)
    if (link.used) return { account, already: true }
    if (link.over) throw refuse('identity.invalid_link')

    const enrol = realm.policy.verificationEnrols
    const about = { ...account, email: link.linkEmail }
    const by = { id, contract: realm.name, enrol, mailId: newId(), ...originOf(context) }
    const events = eventsJson(announced(deps, realm, 'email_verified', about))
    const proven = await store.useVerification(database, { ...by, events }).catch((error: unknown) => {
      // Another account of the tenant proved the address first, or is named by it.
      if (violates(error, 'accounts_verified_email') || violates(error, 'accounts_username'))
        throw refuse('identity.invalid_link')
      throw error
    })
    const now = await store.findAccount(database, link.id, realm.name)
    if (!now) throw refuse('identity.invalid_link')
    if (proven) {
      deps.eventsRecorded()
      deps.mailQueued()
    }
    return { account: store.viewOf(now, realm.policy.roles), already: !proven }
  }

/** Mails a new link to prove an account's address. Refuses when there is nothing to prove, or too many were mailed. */
export const resendVerification =
  (deps: Deps) =>
  async (accountId: string, context: RequestContext): Promise<{ verificationToken: string | undefined }> => {
    const { realm } = context
    const id = newId()
    await deps.database.transaction(async (tx) => {
      await store.lockAccount(tx, accountId)
      const account = await store.findAccount(tx, accountId, realm.name)
      if (!account?.active) throw refuse('identity.account_not_found')
      if (account.emailVerified) throw refuse('identity.already_verified')
      const mailed = await store.insertLink(tx, { ...verificationLink(deps, accountId, context), id })
      if (!mailed) throw refuse('identity.too_many_links', { perHour: verificationsPerHour })
    })
    deps.mailQueued()
    return { verificationToken: deps.exposeDevSecrets ? deps.secrets.tokenOf(id) : undefined }
  }

/** A link of an account that proves its address, which nothing but a mail tells of. */
const verificationLink = (deps: Deps, accountId: string, context: RequestContext) => ({
  id: newId(),
  accountId,
  contract: context.realm.name,
  type: 'email_verification' as const,
  expiresAt: after(deps, verificationTtl),
  mailId: newId(),
  perHour: verificationsPerHour,
  events: eventsJson([]),
  activity: null,
  ...originOf(context),
})

export interface ProposalOptions {
  tellTaken?: boolean | undefined
  /** Who proposes it for somebody else. */
  administratorId?: string | undefined
}

/**
 * Begins a change of address: a link is mailed to the new one. Sign-in and recovery go by the address before until it is opened,
 * and then that one is told. Nothing is mailed for the address that the account has, or above the hourly limit of links.
 * With `tellTaken` an address that another account goes by is refused with `identity.username_taken`. For an administrator nothing
 * is mailed either when the account is somebody in a contract that they do not administer.
 */
export const proposeEmail =
  (deps: Deps) =>
  async (
    accountId: string,
    email: string,
    context: RequestContext,
    { tellTaken = false, administratorId }: ProposalOptions = {},
  ): Promise<void> => {
    const { realm } = context
    const newEmail = email.trim().toLowerCase()
    if (!emailPattern.test(newEmail)) throw refuse('identity.email_invalid')
    const mailed = await deps.database.transaction(async (tx) => {
      if (!(await store.lockAccount(tx, accountId))) return false
      const account = await store.findAccount(tx, accountId, realm.name)
      if (!account || (account.email === newEmail && account.emailVerified)) return false
      const own = account.username.toLowerCase() === newEmail
      if (tellTaken && !own && (await store.nameTaken(tx, account.tenantId, newEmail)))
        throw refuse('identity.username_taken')
      // An address is a way into every contract: who administers one does not open the others by it.
      const about = { accountId, contract: realm.name, arrivals: true }
      if (administratorId !== undefined && (await store.reachesBeyond(tx, { ...about, administratorId }))) return false
      return store.insertLink(tx, { ...verificationLink(deps, accountId, context), newEmail })
    })
    if (mailed) deps.mailQueued()
  }
