import type { Contract } from '../contracts/_kit/contract.ts'
import { type Limit, type LimitClass, limitOf, type Windows } from '../contracts/_kit/limits.ts'
import type { ContractOverrides } from '../contracts/configured.ts'
import { type ContractName, contracts } from '../contracts/registry.ts'
import type { Reader } from './environment.ts'

const limitClasses = [
  'credentials',
  'mail',
  'write',
  'read',
  'metrics',
  'register',
  'upload',
  'download',
] as const satisfies readonly LimitClass[]
const day = 86_400

/** What the variables `<CONTRACT>_…` change in a contract's realm and limits; undefined when they change nothing. */
export function readOverrides(read: Reader, name: ContractName, development: boolean): ContractOverrides | undefined {
  const prefix = name.toUpperCase()
  return whatIsSet({
    title: readProductName(read, name),
    accessTtl: read.duration(`${prefix}_ACCESS_TTL`, { min: 1, max: 30 * day }),
    refreshTtl: read.duration(`${prefix}_REFRESH_TTL`, { min: 1, max: 400 * day }),
    sessionMax: read.duration(`${prefix}_SESSION_MAX`, { min: 60, max: 400 * day }),
    joining: read.choice(`${prefix}_JOINING`, ['open', 'closed'], undefined),
    // In development each contract's own rule alone binds, so that the references' test accounts work.
    refuseResembling: development ? undefined : true,
    lockout: whatIsSet({
      failures: read.count(`${prefix}_LOCKOUT_FAILURES`, { min: 1, max: 1_000 }),
      seconds: read.duration(`${prefix}_LOCKOUT_TIME`, { min: 30, max: 30 * day }),
    }),
    limits: whatIsSet(Object.fromEntries(limitClasses.map((limit) => [limit, readLimit(read, name, limit)]))),
    firstBecomesAdministrator: contracts[name].deployment.firstUserMayAdminister
      ? firstUserAdministers(read, contracts[name]) || development
      : undefined,
  })
}

/** What mails and pages call the product; it stands in headers of mail. */
function readProductName(read: Reader, name: ContractName): string | undefined {
  const variable = `${name.toUpperCase()}_PRODUCT_NAME`
  const title = read.text(variable)
  if (title !== undefined && !/^[^<>"\\\p{C}]{1,60}$/u.test(title))
    read.problems.push(`${read.called(variable)} may have up to 60 characters, and none of < > " \\.`)
  return title
}

function firstUserAdministers(read: Reader, { name, realm }: Contract): boolean {
  const { administrator, person } = realm.policy.roles
  const roles = administrator === undefined ? [person] : [administrator, person]
  return read.choice(`${name.toUpperCase()}_FIRST_USER`, roles, person) === administrator
}

/** `100` with a window beside it, or several windows in one, as `3/1s,20/1m,100/15m`. */
function readLimit(read: Reader, name: ContractName, limit: LimitClass): Windows | undefined {
  const variable = `${name.toUpperCase()}_LIMIT_${limit.toUpperCase()}`
  if (read.text(variable)?.includes('/')) return read.windows(variable, { points: mostPoints, seconds: day })
  const changed = whatIsSet({
    points: read.count(variable, { min: 1, max: mostPoints }),
    seconds: read.duration(`${variable}_WINDOW`, { min: 1, max: day }),
  })
  const [usual] = [limitOf(contracts[name].limits, limit)].flat() as [Limit]
  return changed && { ...usual, ...changed }
}

const mostPoints = 1_000_000

/** True when the contract's limits are switched off, which only development may do. */
export function readUnlimited(read: Reader, name: ContractName, development: boolean): boolean {
  const variable = `${name.toUpperCase()}_LIMITS_ENABLED`
  if (read.flag(variable, true)) return false
  if (!development) {
    read.problems.push(`${read.called(variable)}=false is for tests in development (GUICHET_DEV=true): unset it.`)
  }
  return true
}

type WhatIsSet<Parts> = { [Name in keyof Parts]?: Exclude<Parts[Name], undefined> }

/** The parts that have a value; undefined when none has. */
function whatIsSet<Parts extends object>(parts: Parts): WhatIsSet<Parts> | undefined {
  const present = Object.entries(parts).filter(([, value]) => value !== undefined)
  return present.length > 0 ? (Object.fromEntries(present) as WhatIsSet<Parts>) : undefined
}
