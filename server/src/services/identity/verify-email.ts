import { violates } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import { after, type Deps, originOf } from './deps.ts'
import { refuse } from './errors.ts'
import { announced, eventsJson } from './events.ts'
import { type AccountView, type Client, verificationsPerHour, verificationTtl } from './policy.ts'
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
  async (input: { token: string; accountId?: string }, client: Client): Promise<VerifiedEmail> => {
    const { database, secrets } = deps
    const { terms } = client
    const id = secrets.idOf(input.token)
    const link =
      id === undefined
        ? undefined
        : await store.findLink(database, { id, type: 'email_verification', contract: terms.name })
    if (!id || !link || (input.accountId !== undefined && input.accountId !== link.id))
      throw refuse('identity.invalid_link')
    const account = store.viewOf(link, terms.policy.roles)
    if (link.used) return { account, already: true }
    if (link.over) throw refuse('identity.invalid_link')

    const enrol = terms.policy.verificationEnrols
    const about = { ...account, email: link.linkEmail }
    const by = { id, contract: terms.name, enrol, mailId: newId(), ...originOf(client) }
    const events = eventsJson(announced(deps, terms, 'email_verified', about))
    const proven = await store.useVerification(database, { ...by, events }).catch((error: unknown) => {
      // Another account of the tenant proved the address first, or is named by it.
      if (violates(error, 'accounts_verified_email') || violates(error, 'accounts_username'))
        throw refuse('identity.invalid_link')
      throw error
    })
    const now = await store.findAccount(database, link.id, terms.name)
    if (!now) throw refuse('identity.invalid_link')
    if (proven) {
      deps.eventsRecorded()
      deps.mailQueued()
    }
    return { account: store.viewOf(now, terms.policy.roles), already: !proven }
  }

/** Mails a new link to prove an account's address. Refuses when there is nothing to prove, or too many were mailed. */
export const resendVerification =
  (deps: Deps) =>
  async (accountId: string, client: Client): Promise<{ verificationToken: string | undefined }> => {
    const { terms } = client
    const id = newId()
    await deps.database.transaction(async (tx) => {
      await store.lockAccount(tx, accountId)
      const account = await store.findAccount(tx, accountId, terms.name)
      if (!account?.active) throw refuse('identity.account_not_found')
      if (account.emailVerified) throw refuse('identity.already_verified')
      const mailed = await store.insertLink(tx, { ...verificationLink(deps, accountId, client), id })
      if (!mailed) throw refuse('identity.too_many_links', { perHour: verificationsPerHour })
    })
    deps.mailQueued()
    return { verificationToken: deps.echo ? deps.secrets.tokenOf(id) : undefined }
  }

/** A link of an account that proves its address, which nothing but a mail tells of. */
const verificationLink = (deps: Deps, accountId: string, client: Client) => ({
  id: newId(),
  accountId,
  contract: client.terms.name,
  type: 'email_verification' as const,
  expiresAt: after(deps, verificationTtl),
  mailId: newId(),
  perHour: verificationsPerHour,
  events: eventsJson([]),
  activity: null,
  ...originOf(client),
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
    client: Client,
    { tellTaken = false, administratorId }: ProposalOptions = {},
  ): Promise<void> => {
    const { terms } = client
    const newEmail = email.trim().toLowerCase()
    const mailed = await deps.database.transaction(async (tx) => {
      if (!(await store.lockAccount(tx, accountId))) return false
      const account = await store.findAccount(tx, accountId, terms.name)
      if (!account || (account.email === newEmail && account.emailVerified)) return false
      const own = account.username.toLowerCase() === newEmail
      if (tellTaken && !own && (await store.nameTaken(tx, account.tenantId, newEmail)))
        throw refuse('identity.username_taken')
      // An address is a way into every contract: who administers one does not open the others by it.
      const about = { accountId, contract: terms.name, arrivals: true }
      if (administratorId !== undefined && (await store.reachesBeyond(tx, { ...about, administratorId }))) return false
      return store.insertLink(tx, { ...verificationLink(deps, accountId, client), newEmail })
    })
    if (mailed) deps.mailQueued()
  }
