import type { Deployment, Unit } from '../contracts/_kit/deployment.ts'
import { type ServiceName, serviceNames } from '../contracts/_kit/services.ts'
import { type ContractName, contractNames, contracts } from '../contracts/registry.ts'
import { StartError } from '../platform/errors.ts'

export interface Topology {
  name: string
  contracts: readonly ContractName[]
  deployment: Deployment
}

/** Everything in one process, and each contract as its reference is run. */
export const topologies: readonly Topology[] = [
  {
    name: 'all',
    contracts: contractNames,
    deployment: { units: [{ name: 'gateway', port: 8000, services: serviceNames, gateway: true }] },
  },
  ...contractNames.map((name) => ({ name, contracts: [name], deployment: contracts[name].deployment })),
]

/** Parts of the default host that can be started by themselves, to run any number of each. */
const roles: readonly Unit[] = [
  { name: 'gateway', port: 8000, services: [], gateway: true },
  { name: 'identity', port: 8001, services: ['identity'], gateway: false },
  { name: 'profiles', port: 8002, services: ['profiles'], gateway: false },
  { name: 'orders', port: 8003, services: ['orders'], gateway: false },
]

/** What one process is to run. */
export interface Plan {
  /** What was asked for, as `all`, a topology, one of its units or `identity profiles`. */
  label: string
  /** The topology that it is of, or `all`. */
  topology: string
  /** How that is run: its variable names count beside our own. */
  deployment: Deployment
  contracts: readonly ContractName[]
  /** The services that run in this process. */
  services: readonly ServiceName[]
  /** The services of the whole topology, in whichever process. */
  everywhere: readonly ServiceName[]
  listeners: readonly Unit[]
  /** True when the other services run in other processes: these two then talk over HTTP. */
  distributed: boolean
}

/** From the words after `guichet start` to a plan. An unknown word is answered with the known ones. */
export function planOf(words: readonly string[]): Plan {
  const [first = 'all', ...others] = words
  const topology = topologies.find(({ name }) => name === first)
  if (topology && others.length === 0) return wholeTopology(topology)
  const [topologyName, unitName, ...rest] = first.split('/')
  const owner = topologies.find(({ name }) => name === topologyName && name !== 'all')
  const unit = owner?.deployment.units.find(({ name }) => name === unitName)
  if (owner && unit && rest.length === 0 && others.length === 0) {
    return { ...wholeTopology(owner), label: first, services: unit.services, listeners: [unit], distributed: true }
  }
  const wanted = roles.filter(({ name }) => words.includes(name))
  if (wanted.length === words.length && wanted.length > 0) return someRoles(wanted)
  throw new StartError(`There is nothing called "${words.join(' ')}" to start.\n${knownNames()}`)
}

function wholeTopology({ name, contracts, deployment }: Topology): Plan {
  const services = deployment.units.flatMap((unit) => unit.services)
  return {
    label: name,
    topology: name,
    deployment,
    contracts,
    services,
    everywhere: services,
    listeners: deployment.units,
    distributed: false,
  }
}

/** Several roles in one process share one listener. */
function someRoles(wanted: readonly Unit[]): Plan {
  const services = wanted.flatMap((role) => role.services)
  const name = wanted.map((role) => role.name).join(' ')
  const [first] = wanted
  const listener = { name, port: first?.port ?? 8000, services, gateway: wanted.some((role) => role.gateway) }
  return { ...planOf(['all']), label: name, services, listeners: [listener], distributed: true }
}

/** The services of the topology that follow identity's events. */
export const followersIn = ({ everywhere }: Plan): ServiceName[] => everywhere.filter((name) => name !== 'identity')

/** The port on which a service is looked for by default: that of its unit in the topology, else that of its role. */
export function usualPort({ units }: Deployment, service: ServiceName): number {
  const runsIt = (unit: Unit) => !unit.gateway && unit.services.includes(service)
  return (units.find(runsIt) ?? roles.find(runsIt))?.port ?? 8000
}

/** The names that can be started, for people. */
export function knownNames(): string {
  const units = topologies
    .filter(({ name }) => name !== 'all')
    .flatMap(({ name, deployment }) => deployment.units.map((unit) => `${name}/${unit.name}`))
  return [
    `topologies: ${topologies.map(({ name }) => name).join(', ')}`,
    `single units: ${units.join(', ')}`,
    `roles, one or several: ${roles.map(({ name }) => name).join(', ')}`,
  ].join('\n')
}
