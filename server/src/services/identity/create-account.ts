import type { Database, Queryable } from '../../platform/db/database.ts'
import { createOnce, type IdempotencyKey } from '../../platform/db/idempotency.ts'
import { newId } from '../../platform/ids.ts'
import type { AccountView, Realm, RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf, revokedUntil } from './deps.ts'
import { type IdentityErrorCode, refuse } from './errors.ts'
import { type AccountRegistered, announced, eventsJson } from './events.ts'
import { emailPattern, usernamePattern, verificationTtl } from './limits.ts'
import { checkPassword, strictest } from './passwords/rules.ts'
import * as store from './store/index.ts'
import { tenantName } from './tenants.ts'

export interface NewAccountInput {
  /** The e-mail address, when absent. */
  username?: string | undefined
  email?: string | undefined
  /** Without one nobody can sign in with a password yet. */
  password?: string | undefined
  displayName?: string | undefined
  /** The parts of the name, for the other services: identity keeps the display name only. */
  names?: AccountRegistered['names'] | undefined
  /** For contracts whose requests name the tenant. */
  tenant?: string | undefined
  /** A role other than a person's, granted in the realm; for operators and administrators. */
  role?: string | undefined
  /** True when somebody vouches for the address: nothing is mailed. For operators. */
  emailVerified?: boolean | undefined
  secondFactor?: boolean | undefined
  /** True: no mail to prove the address. For demo accounts. */
  quietly?: boolean | undefined
  /** What the contract finds wrong by rules of its own: refused together with what identity finds. */
  problems?: readonly IdentityErrorCode[] | undefined
}

export interface NewAccountResult {
  account: AccountView
  /** Development only: the token of the link that was mailed. */
  verificationToken: string | undefined
}

/** Makes an account and tells the other services: what registering does, and what an administrator does for somebody else. */
export const createAccount =
  (deps: Deps) =>
  async (input: NewAccountInput, context: RequestContext, idempotency?: IdempotencyKey): Promise<NewAccountResult> => {
    const { database } = deps
    const { realm } = context
    const wanted = readInput(input, realm)
    const tenant = await store.findTenant(database, wanted.tenant)
    const problems = [...wanted.problems, ...(await passwordProblems(input, realm, tenant?.settings, wanted.tenant))]
    if (problems[0]) throw refuse(problems[0], { problems })
    // Said before the hash is computed: a taken name must not cost what a password costs.
    if (!idempotency && tenant && (await taken(database, tenant.id, wanted, realm))) {
      throw refuse('identity.username_taken', { username: wanted.username })
    }

    const passwordHash = input.password === undefined ? null : await deps.passwords.hash(input.password)
    const id = newId()
    const verificationId = newId()
    const { created, fresh } = await createOnce(database, idempotency, {
      id,
      create: (tx) =>
        insideTransaction(database, tx, realm, (inner) =>
          insert(deps, inner, { id, verificationId, input, wanted, passwordHash }, context),
        ),
      async again(createdId) {
        const account = await store.findAccount(database, createdId, realm.name)
        if (!account) throw refuse('identity.account_not_found')
        return { account, mailed: false }
      },
      reused: () => refuse('identity.idempotency_key_reused'),
    })
    if (fresh) deps.eventsRecorded()
    if (created.mailed) deps.mailQueued()
    return {
      account: store.viewOf(created.account, realm.policy.roles),
      verificationToken: created.mailed && deps.exposeDevSecrets ? deps.secrets.tokenOf(verificationId) : undefined,
    }
  }

interface Wanted {
  username: string
  /** True when the username was chosen, and is not just the address. */
  named: boolean
  email: string | null
  tenant: string
  grant: { role: string; administrator: boolean } | undefined
  problems: IdentityErrorCode[]
}

function readInput(input: NewAccountInput, realm: Realm): Wanted {
  const { policy } = realm
  const email = input.email?.trim().toLowerCase() || null
  const username = input.username ?? email ?? ''
  const problems: IdentityErrorCode[] = [...(input.problems ?? [])]
  if (email === null ? policy.identifier === 'email' : !emailPattern.test(email))
    problems.push('identity.email_invalid')
  // Without one of its own the name is the address, which was judged; one of the two there has to be.
  const named = input.username !== undefined || (email === null && policy.identifier !== 'email')
  // An address is a name for whoever it belongs to, and for nobody else.
  const ofSomebodyElse = emailPattern.test(username) && username.toLowerCase() !== email
  if (named && (!usernamePattern.test(username) || ofSomebodyElse)) problems.push('identity.username_invalid')
  const grant = input.role === undefined ? undefined : grantOf(realm, input.role)
  return { username, named, email, tenant: tenantName(policy, input.tenant), grant, problems }
}

/** The grant of a role in a contract. */
export function grantOf({ policy }: Realm, role: string) {
  const { permissions, administrator } = policy.roles
  if (!Object.hasOwn(permissions, role))
    throw refuse('identity.unknown_role', { role, known: Object.keys(permissions) })
  return { role, administrator: role === administrator }
}

async function passwordProblems(
  { password, email, username, displayName }: NewAccountInput,
  { policy }: Realm,
  settings: store.TenantSettings | undefined,
  tenant: string,
): Promise<IdentityErrorCode[]> {
  if (password === undefined) return []
  const own = [email, username, displayName, tenant].filter((text) => text !== undefined)
  return checkPassword(password, strictest(policy.password, settings), own)
}

/** Taken, unless by somebody who never proved the address where it has to be proven: whose it is may have it. */
async function taken(
  database: Database,
  tenantId: string,
  { username, named }: Wanted,
  realm: Realm,
): Promise<boolean> {
  if (!(await store.nameTaken(database, tenantId, username))) return false
  if (named || realm.policy.verifiedEmail !== 'required') return true
  const by = [database, tenantId, username, realm.name] as const
  return !(await store.findAbandoned(...by)) && !(await store.heldUnprovenElsewhere(...by))
}

/** One statement needs no transaction; a tenant to be made, a first administrator or an abandoned account do. */
const insideTransaction = <Result>(
  database: Database,
  tx: Queryable,
  { policy }: Realm,
  work: (tx: Queryable) => Promise<Result>,
): Promise<Result> => {
  const several = policy.tenant === 'named' || policy.firstBecomesAdministrator || policy.verifiedEmail === 'required'
  return several && tx === database ? database.transaction(work) : work(tx)
}

interface Insertion {
  id: string
  verificationId: string
  input: NewAccountInput
  wanted: Wanted
  passwordHash: string | null
}

async function insert(
  deps: Deps,
  tx: Queryable,
  { id, verificationId, input, wanted, passwordHash }: Insertion,
  context: RequestContext,
) {
  const { realm } = context
  const { policy, name: contract } = realm
  const { email } = wanted
  const tenant = await tenantFor(tx, realm, wanted.tenant)
  const grant = wanted.grant ?? (await automaticGrant(tx, realm, tenant))
  const username = (await yieldedName(deps, tx, tenant.id, wanted, realm)) ? id : wanted.username

  // PostgreSQL's JSON has no place for half a surrogate pair.
  const displayName = input.displayName?.trim().toWellFormed() || null
  const mailed = email !== null && policy.verifiedEmail !== 'never' && !input.emailVerified && !input.quietly
  const about = { id, email, displayName }
  const account = await store.insertAccount(tx, {
    id,
    tenantId: tenant.id,
    username,
    email,
    emailVerified: input.emailVerified ?? false,
    secondFactor: input.secondFactor ?? false,
    displayName,
    passwordHash,
    locale: context.locale ?? policy.locale,
    active: tenant.created || !tenant.settings.approval,
    contract,
    grant,
    verification: mailed ? { id: verificationId, mailId: newId(), expiresAt: after(deps, verificationTtl) } : undefined,
    counter: deps.lockout.countersOf(username, wanted.tenant, context).unknownDevices,
    events: eventsJson([
      registered({
        username,
        email,
        displayName,
        tenant: wanted.tenant,
        contract,
        role: grant?.role,
        names: input.names,
      }),
      ...announced(deps, realm, 'registered', about),
    ]),
    ...originOf(context),
  })
  if (!account) throw refuse('identity.username_taken', { username })
  return { account, mailed }
}

/** The event of a new account; its number and its tenant's id are added where they are known. */
const registered = (data: Partial<AccountRegistered> | { role: string | undefined }) => ({
  type: 'account.registered',
  data,
})

async function tenantFor(tx: Queryable, { policy }: Realm, name: string): Promise<store.TenantRow> {
  if (policy.tenant === 'named') return store.ensureTenant(tx, newId(), name)
  const found = await store.findTenant(tx, name)
  if (!found) throw refuse('identity.tenant_invalid')
  return { ...found, created: false }
}

/** What an account becomes without having been given it: the contract's first administrator, or the creator of its tenant. */
async function automaticGrant(tx: Queryable, { name, policy }: Realm, tenant: store.TenantRow) {
  const { administrator, tenantCreator } = policy.roles
  if (policy.firstBecomesAdministrator && administrator !== undefined) {
    // Looked at twice: the lock is for those few that may be the first.
    if (!(await store.hasAdministrator(tx, name))) {
      await store.lockFirstAdministrator(tx, name)
      if (!(await store.hasAdministrator(tx, name))) return { role: administrator, administrator: true }
    }
  }
  return tenant.created && tenantCreator !== undefined ? { role: tenantCreator, administrator: false } : undefined
}

/**
 * Where addresses have to be proven: removes the account that gave this one up. True when the address is the name of an account of
 * another contract that never proved it: the new account then goes by its id until its owner proves the address.
 */
async function yieldedName(
  { clock, longestAccessTtl }: Deps,
  tx: Queryable,
  tenantId: string,
  { username, named }: Wanted,
  { name, policy }: Realm,
): Promise<boolean> {
  if (named || policy.verifiedEmail !== 'required') return false
  await store.lockAddress(tx, tenantId, username)
  const abandoned = await store.findAbandoned(tx, tenantId, username, name)
  const until = revokedUntil({ clock, longestAccessTtl })
  if (abandoned) await store.removeAccount(tx, { accountId: abandoned.id, until, eventId: newId(), retire: false })
  return store.heldUnprovenElsewhere(tx, tenantId, username, name)
}
