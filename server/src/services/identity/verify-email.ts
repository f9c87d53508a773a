import { violates } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf } from './deps.ts'
import { refuse } from './errors.ts'
import { announced, eventsJson } from './events.ts'
import { verificationsPerHour, verificationTtl } from './limits.ts'
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
    const by = { id, contract: realm.name, enrol, ...originOf(context) }
    const events = eventsJson(announced(deps, realm, 'email_verified', about))
    const { proven, now } = await database
      .transaction(async (tx) => {
        await store.yieldAddress(tx, { accountId: link.id, email: link.linkEmail })
        const used = await store.useVerification(tx, { ...by, events })
        const found = await store.findLink(tx, { id, type: 'email_verification', contract: realm.name })
        // Not used by somebody else at the same time either: it proves nothing any more, and nobody gives the address up for it.
        if (!found?.used) throw refuse('identity.invalid_link')
        return { proven: used !== undefined, now: found }
      })
      .catch((error: unknown) => {
        // Another account of the tenant proved the address first, or is named by it.
        if (violates(error, 'accounts_verified_email') || violates(error, 'accounts_username'))
          throw refuse('identity.invalid_link')
        throw error
      })
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
export const verificationLink = (deps: Deps, accountId: string, context: RequestContext) => ({
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
