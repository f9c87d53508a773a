import type { Database, Queryable } from '../../platform/db/database.ts'
import { createOnce, type IdempotencyKey } from '../../platform/db/idempotency.ts'
import { newId } from '../../platform/ids.ts'
import type { AccountView, Realm, RequestContext } from '../realm/index.ts'
import { after, type Deps, originOf, revokedUntil } from './deps.ts'
import { type IdentityErrorCode, refuse } from './errors.ts'
import { announced, eventsJson, type MembershipStarted } from './events.ts'
import { type Joined, type Joining, joinInside, judgePassword } from './join-realm.ts'
import { emailPattern, usernamePattern, verificationTtl } from './limits.ts'
import { checkPassword, strictest } from './passwords/rules.ts'
import { invitationLink } from './reset-password.ts'
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
  names?: MembershipStarted['names'] | undefined
  /** For contracts whose requests name the tenant. */
  tenant?: string | undefined
  /** A role other than a person's, granted in the realm; for operators and administrators. */
  role?: string | undefined
  /** True when somebody vouches for the address: nothing is mailed. For operators. */
  emailVerified?: boolean | undefined
  secondFactor?: boolean | undefined
  /** True: no mail to prove the address. For demo accounts. */
  quietly?: boolean | undefined
  /** True: a link to choose a password is mailed, which proves the address as well. For who is added by an administrator. */
  invited?: boolean | undefined
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
    const holder = tenant && (await store.findHolder(database, tenant.id, wanted.username, realm.name))
    const present = holder && (await presentAccount(deps, holder, { input, wanted }, context))
    // Said before the hash is computed: a taken name must not cost what a password costs.
    if (!idempotency && tenant && holder && !present && !(await yields(database, tenant.id, wanted, realm))) {
      throw refuse('identity.username_taken', { username: wanted.username })
    }

    const passwordHash = input.password === undefined || present ? null : await deps.passwords.hash(input.password)
    const id = present?.accountId ?? newId()
    const { created, fresh } = await createOnce<Joined>(database, idempotency, {
      id,
      create: (tx) =>
        insideTransaction(database, tx, present ? 'several' : statementsFor(realm, input), (inner) =>
          present
            ? joinPresent(deps, inner, present, wanted, context)
            : insert(deps, inner, { id, input, wanted, passwordHash }, context),
        ),
      async again(createdId) {
        const account = await store.findAccount(database, createdId, realm.name)
        if (!account) throw refuse('identity.account_not_found')
        return { account, verificationId: undefined }
      },
      reused: () => refuse('identity.idempotency_key_reused'),
    })
    if (fresh) {
      deps.eventsRecorded()
      deps.mailQueued()
    }
    const { account, verificationId } = created
    return {
      account: store.viewOf(account, realm.policy.roles),
      verificationToken: verificationId && deps.exposeDevSecrets ? deps.secrets.tokenOf(verificationId) : undefined,
    }
  }

/**
 * Who has the name is somebody of other realms only, and becomes a member instead of a second account: by their own right password,
 * or because an administrator or operator adds them.
 */
async function presentAccount(
  deps: Deps,
  { id, state }: store.Holder,
  { input, wanted }: { input: NewAccountInput; wanted: Wanted },
  context: RequestContext,
): Promise<Joining | undefined> {
  if (id === null || (state !== null && state !== 'removed')) return undefined
  const { names, password } = input
  if (context.service) return { accountId: id, origin: 'added', grant: wanted.grant, names, revives: true }
  const { username: identifier, tenant } = wanted
  const revision = password && (await judgePassword(deps, { identifier, tenant, password }, context))
  return revision ? { accountId: id, origin: 'joined', revision, names, revives: true } : undefined
}

/** Whoever cannot become a member any more, because the account changed meanwhile, finds the name taken. */
async function joinPresent(deps: Deps, tx: Queryable, present: Joining, { username }: Wanted, context: RequestContext) {
  const joined = await joinInside(deps, tx, present, context)
  if (!joined) throw refuse('identity.username_taken', { username })
  return joined
}

interface Wanted {
  username: string
  /** True when the username was chosen, and is not just the address. */
  named: boolean
  email: string | null
  tenant: string
  grant: store.Grant | undefined
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

/** True when whoever has the name never proved it as an address where it has to be proven: whose it is may have it. */
async function yields(
  database: Database,
  tenantId: string,
  { username, named }: Wanted,
  realm: Realm,
): Promise<boolean> {
  if (named || realm.policy.verifiedEmail !== 'required') return false
  const abandoned = await store.findAbandoned(database, tenantId, username)
  return abandoned !== undefined || store.heldUnprovenElsewhere(database, tenantId, username, realm.name)
}

/** A tenant to be made, a first administrator, an abandoned account or an invitation take statements of their own. */
const statementsFor = ({ policy }: Realm, { invited = false }: NewAccountInput): 'one' | 'several' =>
  policy.tenant === 'named' || policy.firstBecomesAdministrator || policy.verifiedEmail === 'required' || invited
    ? 'several'
    : 'one'

/** One statement needs no transaction, and who is in one already gets no other. */
const insideTransaction = <Result>(
  database: Database,
  tx: Queryable,
  statements: 'one' | 'several',
  work: (tx: Queryable) => Promise<Result>,
): Promise<Result> => (statements === 'several' && tx === database ? database.transaction(work) : work(tx))

interface Insertion {
  id: string
  input: NewAccountInput
  wanted: Wanted
  passwordHash: string | null
}

async function insert(
  deps: Deps,
  tx: Queryable,
  { id, input, wanted, passwordHash }: Insertion,
  context: RequestContext,
): Promise<Joined> {
  const { realm } = context
  const { policy } = realm
  const { email } = wanted
  const tenant = await tenantFor(tx, realm, wanted.tenant)
  const grant = wanted.grant ?? (await automaticGrant(tx, realm, tenant))
  const username = (await yieldedName(deps, tx, tenant.id, wanted, realm)) ? id : wanted.username

  // PostgreSQL's JSON has no place for half a surrogate pair.
  const displayName = input.displayName?.trim().toWellFormed() || null
  const invited = input.invited && email !== null
  const mailed =
    email !== null && policy.verifiedEmail !== 'never' && !input.emailVerified && !input.quietly && !invited
  const verificationId = newId()
  const known = { username, email, displayName, tenant: wanted.tenant }
  const origin = context.service ? 'added' : 'registered'
  const membership = { realm: realm.name, origin, names: input.names, ...(grant && { role: grant.role }) }
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
    realm: realm.name,
    state: tenant.created || !tenant.settings.approval ? 'active' : 'pending',
    origin,
    grant,
    verification: mailed ? { id: verificationId, mailId: newId(), expiresAt: after(deps, verificationTtl) } : undefined,
    counter: deps.lockout.countersOf(username, wanted.tenant, context).unknownDevices,
    events: eventsJson([
      { type: 'account.registered', data: known },
      { type: 'membership.started', data: { ...known, ...membership } },
      ...announced(deps, realm, 'registered', { id, email, displayName }),
    ]),
    ...originOf(context),
  })
  if (!account) throw refuse('identity.username_taken', { username })
  if (invited) await store.insertLink(tx, invitationLink(deps, id, context))
  return { account, verificationId: mailed ? verificationId : undefined }
}

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
  const abandoned = await store.findAbandoned(tx, tenantId, username)
  const until = revokedUntil({ clock, longestAccessTtl })
  if (abandoned) await store.removeAccount(tx, { accountId: abandoned.id, until, eventId: newId() })
  return store.heldUnprovenElsewhere(tx, tenantId, username, name)
}
