import type { Unit } from '../contracts/_kit/deployment.ts'
import type { Reader } from './environment.ts'
import type { Plan } from './topologies.ts'

export interface Listening extends Unit {
  host: string
}

export interface ConfiguredListener extends Listening {
  /** True when other processes of ours are served there too, below `/internal/`. */
  internal: boolean
}

/** Where the process listens, and on which of these addresses it serves other processes of ours. */
export function readListeners(read: Reader, plan: Plan, development: boolean): ConfiguredListener[] {
  // Fastify takes "localhost" as both loopback families.
  const host = read.text('HOST') ?? (development ? 'localhost' : '0.0.0.0')
  const [only] = plan.listeners
  if (plan.listeners.length === 1 && only) {
    const listening = { ...only, host, port: read.port('PORT') ?? only.port }
    const internalPort = read.port('GUICHET_INTERNAL_PORT')
    return plan.distributed ? withInternal(read, plan, listening, internalPort) : [{ ...listening, internal: false }]
  }
  if (read.text('PORT') !== undefined) {
    const names = plan.listeners.map((unit) => portVariable(unit)).join(', ')
    read.problems.push(`PORT is for a start with one listener; "${plan.label}" has several: set ${names}.`)
  }
  return plan.listeners.map((unit) => ({
    ...unit,
    host,
    port: read.port(portVariable(unit)) ?? unit.port,
    internal: false,
  }))
}

/** A gateway's address is everybody's: what only our own processes may say to a service is on a port of its own, or on a unit's. */
function withInternal(
  read: Reader,
  { everywhere, services }: Plan,
  listening: Listening,
  internalPort: number | undefined,
): ConfiguredListener[] {
  if (services.length === 0) return [{ ...listening, internal: false }]
  if (internalPort !== undefined) {
    if (internalPort !== 0 && internalPort === listening.port)
      read.problems.push(`GUICHET_INTERNAL_PORT must be another port than ${listening.port}, which everybody reaches.`)
    return [
      { ...listening, internal: false },
      { ...listening, name: 'internal', gateway: false, port: internalPort, internal: true },
    ]
  }
  const followed = services.includes('identity') && everywhere.some((service) => !services.includes(service))
  if (listening.gateway && followed) {
    read.problems.push(
      'GUICHET_INTERNAL_PORT is missing: no gateway serves other processes on its own port, and those that run the other services have to reach identity here.',
    )
  }
  return [{ ...listening, internal: !listening.gateway }]
}

const portVariable = ({ name }: Unit) => `${name.toUpperCase().replaceAll('-', '_')}_PORT`
