import { refuseAtEdge, StartError } from '../platform/errors.ts'
import type { Policy, Realm } from '../services/realm/index.ts'
import type { Contract, Route } from './_kit/contract.ts'
import type { LimitClass, Windows } from './_kit/limits.ts'
import { type ContractName, contractNames, contracts } from './registry.ts'

/** The contract that somebody named, or the first; a StartError names the known ones. */
export function contractNamed(text: string | undefined): ContractName {
  const name = text === undefined ? contractNames[0] : contractNames.find((one) => one === text)
  if (!name) throw new StartError(`There is no contract "${text}". Known: ${contractNames.join(', ')}.`)
  return name
}

/** What an installation sets differently; what is absent stays as the contract has it. Times are in seconds. */
export interface ContractOverrides {
  /** What mails and pages call the product. */
  title?: string
  accessTtl?: number
  refreshTtl?: number
  sessionMax?: number
  joining?: Policy['joining']
  /** True: no password that resembles a common one, whatever the contract's own rule is. */
  refuseResembling?: boolean
  lockout?: Partial<Policy['lockout']>
  limits?: Partial<Record<LimitClass, Windows>>
  /** True: while the contract has no administrator, the first to register becomes it. */
  firstBecomesAdministrator?: boolean
}

export type Contracts = Readonly<Record<ContractName, Contract>>

export interface ContractSettings {
  overrides: Readonly<Partial<Record<ContractName, ContractOverrides>>>
  /** Bytes that an uploaded file may have. */
  uploadMaxBytes: number
}

/** The contracts as an installation has them. */
export function configured({ overrides, uploadMaxBytes }: ContractSettings): Contracts {
  const entries = contractNames.map((name) => {
    const contract = withOverrides(contracts[name], overrides[name] ?? {})
    return [name, { ...contract, routes: contract.routes.map((route) => taking(route, uploadMaxBytes)) }] as const
  })
  return Object.fromEntries(entries) as unknown as Contracts
}

const taking = (route: Route, maxBytes: number): Route =>
  route.upload ? { ...route, upload: { ...route.upload, maxBytes } } : route

function withOverrides(contract: Contract, changes: ContractOverrides): Contract {
  const { limits, lockout, refuseResembling, title = contract.realm.title, ...others } = changes
  const { policy } = contract.realm
  const changed: Policy = {
    ...policy,
    ...others,
    lockout: { ...policy.lockout, ...lockout },
    password: { ...policy.password, ...(refuseResembling && { refuseResembling }) },
  }
  return {
    ...contract,
    realm: { ...contract.realm, title, policy: changed },
    limits: { ...contract.limits, ...limits },
  }
}

/** Seconds the longest-lived access token of any of them lives. */
export const longestAccessTtl = (all: Contracts): number =>
  Math.max(...Object.values(all).map(({ realm }) => realm.policy.accessTtl))

/** The realm of a contract that another process or a row names. */
export function realmNamed(all: Contracts, name: string): Realm {
  const contract = Object.values(all).find((one) => one.name === name)
  if (!contract) throw refuseAtEdge('edge.bad_request', { contract: name })
  return contract.realm
}
