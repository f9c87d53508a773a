import { newId } from '../../platform/ids.ts'
import { operator, type Realm } from '../realm/index.ts'
import { refuseTaken } from './change-address.ts'
import { after, type Deps, revokedUntil } from './deps.ts'
import { refuse } from './errors.ts'
import { emailPattern, ticketTtl, undoTtl } from './limits.ts'
import { mailLink, resetPassword } from './reset-password.ts'
import * as store from './store/index.ts'
import { tenantName } from './tenants.ts'

/** Whose account it is: in a realm, by the username or the proven address; `by` names the operator, for the log. */
export interface Repaired {
  name: string
  realm: Realm
  tenant?: string | undefined
  by: string
}

/**
 * What an operator repairs of an account that its owner cannot open any more. Each ends what others may hold of it, tells the owner
 * where there is a proven address, and stands in the log with who ran it.
 */
export const repair = (deps: Deps) => {
  const { database } = deps

  const find = async ({ name, realm, tenant }: Repaired): Promise<store.AccountRow> => {
    const account = await store.findAccountByName(database, tenantName(realm.policy, tenant), name, realm.name)
    if (!account) throw refuse('identity.account_not_found')
    return account
  }
  const log = (accountId: string, { realm, by }: Repaired, action: string) =>
    store.recordActivity(database, {
      accountId,
      contract: realm.name,
      action,
      details: { operator: by },
      ip: null,
      userAgent: undefined,
    })
  /** A link that is mailed to nobody, for what is done at once. */
  const ticket = async (account: store.AccountRow, { realm }: Repaired, more: { newEmail?: string } = {}) => {
    const id = newId()
    const about = { id, accountId: account.id, revision: account.revision, contract: realm.name, ...more }
    if (!(await store.insertTicket(database, { ...about, expiresAt: after(deps, ticketTtl) })))
      throw refuse('identity.account_not_found')
    return id
  }

  return {
    /** Sets a password by the realm's rule. Every session ends. */
    async setPassword(whose: Repaired, password: string): Promise<void> {
      const account = await find(whose)
      const token = deps.secrets.tokenOf(await ticket(account, whose))
      await resetPassword(deps)({ token, password }, operator(whose.realm))
      await log(account.id, whose, 'set_password')
    },

    /** Moves an account to another address, which counts as proven: the operator vouches for it. The one before may undo it. */
    async setEmail(whose: Repaired, email: string): Promise<void> {
      const newEmail = email.trim().toLowerCase()
      if (!emailPattern.test(newEmail)) throw refuse('identity.email_invalid')
      const account = await find(whose)
      const id = await ticket(account, whose, { newEmail })
      const undo = { id: newId(), mailId: newId(), expiresAt: after(deps, undoTtl), byCode: false }
      const until = revokedUntil(deps)
      const changed = await database
        .transaction(async (tx) => {
          await store.lockAccount(tx, account.id)
          await store.yieldAddress(tx, { accountId: account.id, email: newEmail })
          const moved = await store.changeAddress(tx, {
            id,
            contract: whose.realm.name,
            until,
            undo,
            ip: null,
            userAgent: undefined,
          })
          if (moved)
            await store.endSessions(tx, {
              accountId: account.id,
              contract: undefined,
              except: undefined,
              reason: 'operator',
              until,
              events: '[]',
              activity: null,
              askedBy: whose.realm.name,
              ip: null,
              userAgent: undefined,
            })
          return moved
        })
        .catch(refuseTaken)
      if (!changed) throw refuse('identity.username_taken')
      await log(account.id, whose, 'set_address')
      deps.mailQueued()
      await deps.revocations.broadcast()
    },

    /** Mails a link to choose a password to the account's address. False when it has none, or too many were mailed. */
    async mailResetLink(whose: Repaired): Promise<boolean> {
      const account = await find(whose)
      const token = account.email === null ? undefined : await mailLink(deps, account, operator(whose.realm))
      if (token === undefined) return false
      await log(account.id, whose, 'mail_reset_link')
      deps.eventsRecorded()
      deps.mailQueued()
      return true
    },

    /** Deletes an account with every membership. The last administrator of a realm stays. */
    async deleteAccount(whose: Repaired): Promise<void> {
      const { id: accountId } = await find(whose)
      const until = revokedUntil(deps)
      await database.transaction(async (tx) => {
        await store.lockAccount(tx, accountId)
        if ((await store.realmsAdministeredAlone(tx, accountId)).length > 0) throw refuse('identity.last_administrator')
        const memberships = (await store.findSummary(tx, accountId))?.memberships ?? []
        for (const { realm } of memberships) {
          await store.removeMembership(tx, { accountId, realm, until, eventId: newId() })
        }
        await store.removeAccount(tx, { accountId, until, eventId: newId() })
      })
      deps.eventsRecorded()
      await deps.revocations.broadcast()
    },

    /** Lets a chosen name be used again that was a deleted account's. False when it is not kept. */
    async releaseName({ name, realm, tenant }: Repaired): Promise<boolean> {
      return (await store.releaseUsername(database, tenantName(realm.policy, tenant), name)) > 0
    },
  }
}
