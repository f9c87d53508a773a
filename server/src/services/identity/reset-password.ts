import { violates } from '../../platform/db/database.ts'
import { newId } from '../../platform/ids.ts'
import { createSignal } from '../../platform/signal.ts'
import type { AccountView, Policy, RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { announced, eventsJson } from './events.ts'
import { invitationTtl, resetsPerHour } from './limits.ts'
import { checkPassword, strictest } from './passwords/rules.ts'
import * as store from './store/index.ts'
import { tenantName } from './tenants.ts'

/** Milliseconds that every request for a link takes at least. */
const answerAfterMs = 200

/** Accounts that one request can mail at most, when it names no tenant. */
const mostAccounts = 20

/**
 * Mails a link to set a new password to the accounts of an address. Nothing in the answer tells whether there are any; above the
 * limit of links nothing is mailed, and nothing in the answer tells that either.
 */
export const requestPasswordReset =
  (deps: Deps) =>
  async (
    input: { email: string; tenant?: string | undefined },
    context: RequestContext,
  ): Promise<{ resetToken: string | undefined }> => {
    const { realm } = context
    const email = input.email.trim().toLowerCase()
    const tenant = tenantFilter(realm.policy, input.tenant)
    // Mailing a link takes longer than finding nobody: neither is answered before this time has passed.
    const answerable = createSignal().wait(answerAfterMs)
    const accounts = await store.findRecoverable(deps.database, {
      email,
      tenant,
      realm: realm.name,
      limit: mostAccounts,
    })
    let token: string | undefined
    for (const account of accounts) token = (await mailLink(deps, account, context)) ?? token
    await answerable
    if (token === undefined) return { resetToken: undefined }
    deps.eventsRecorded()
    deps.mailQueued()
    return { resetToken: deps.exposeDevSecrets ? token : undefined }
  }

/** The tenant that is asked for; undefined: all of them, where the contract has several and the request names none. */
const tenantFilter = (policy: Policy, named: string | undefined): string | undefined =>
  policy.tenant === 'named' && !named?.trim() ? undefined : tenantName(policy, named)

export async function mailLink(
  deps: Deps,
  account: store.AccountRow,
  context: RequestContext,
): Promise<string | undefined> {
  const { realm } = context
  const id = newId()
  const mailed = await deps.database.transaction(async (tx) => {
    if (!(await store.lockAccount(tx, account.id))) return false
    const events = eventsJson(announced(deps, realm, 'password_reset_requested', account))
    const activity = 'reset_password_request'
    return store.insertLink(tx, { ...resetLink(deps, account.id, context), id, events, activity })
  })
  return mailed ? deps.secrets.tokenOf(id) : undefined
}

const resetLink = (deps: Deps, accountId: string, context: RequestContext) => ({
  id: newId(),
  accountId,
  contract: context.realm.name,
  type: 'password_reset' as const,
  expiresAt: after(deps, context.realm.policy.resetTtl),
  mailId: newId(),
  perHour: resetsPerHour,
  events: eventsJson([]),
  activity: null,
  ...originOf(context),
})

/** A link to choose a first password, mailed to somebody whom an administrator added. */
export const invitationLink = (deps: Deps, accountId: string, context: RequestContext) => ({
  ...resetLink(deps, accountId, context),
  expiresAt: after(deps, invitationTtl),
  mailKind: 'invited' as const,
})

/** Sets a password by a mailed link. Every session of the account ends, in every process at once. */
export const resetPassword =
  (deps: Deps) =>
  async (input: { token: string; password: string }, context: RequestContext): Promise<AccountView> => {
    const { database, secrets, passwords } = deps
    const { realm } = context
    const id = secrets.idOf(input.token)
    const link =
      id === undefined
        ? undefined
        : await store.findLink(database, { id, type: 'password_reset', contract: realm.name })
    if (!id || !link?.active || link.used || link.over) throw refuse('identity.invalid_link')
    await refuseBadPassword(deps, input.password, link, context)

    const passwordHash = await passwords.hash(input.password)
    const reset = {
      id,
      contract: realm.name,
      passwordHash,
      until: revokedUntil(deps),
      mailId: newId(),
      events: eventsJson(announced(deps, realm, 'password_reset', link)),
      ...originOf(context),
    }
    const used = await database
      .transaction(async (tx) => {
        await store.lockAccount(tx, link.id)
        if (link.linkEmail) await store.yieldAddress(tx, { accountId: link.id, email: link.linkEmail })
        return store.useReset(tx, reset)
      })
      .catch((error: unknown) => {
        // Another account of the tenant proved the address meanwhile, so this link is not its owner's any more.
        if (violates(error, 'accounts_verified_email')) throw refuse('identity.invalid_link')
        throw error
      })
    if (!used) throw refuse('identity.invalid_link')
    deps.eventsRecorded()
    deps.mailQueued()
    await deps.revocations.broadcast()
    return store.viewOf(link, realm.policy.roles)
  }

/** Refuses a password that the contract, or the account's tenant, does not take. */
export async function refuseBadPassword(
  { database }: Deps,
  password: string,
  account: store.AccountRow,
  { realm }: RequestContext,
): Promise<void> {
  const settings = (await store.findTenant(database, account.tenantName))?.settings
  const own = [account.email, account.username, account.displayName, account.tenantName].filter((text) => text !== null)
  const problems = await checkPassword(password, strictest(realm.policy.password, settings), own)
  if (problems[0]) throw refuse(problems[0], { problems })
}
