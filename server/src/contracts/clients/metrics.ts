import { systemClock } from '../../platform/clock.ts'
import type { Statistics } from '../../services/identity/index.ts'
import type { Contract } from '../_kit/contract.ts'
import { terms } from './terms.ts'

/** How long counts are handed out again, in milliseconds: nobody can make the database count faster by asking. */
const heldMs = 5_000

/** The figures that the contract names, beside our own. */
export const metrics: NonNullable<Contract['metrics']> = ({ gauge }, identity) => {
  let held: { since: number; statistics: Promise<Statistics> } | undefined
  const count = (name: keyof Statistics) => async () => {
    const now = systemClock.now()
    if (!held || now - held.since > heldMs) held = { since: now, statistics: identity.accounts.statistics({ terms }) }
    return (await held.statistics)[name]
  }
  gauge('clients_service_clients_total', 'Client accounts', count('accounts'))
  gauge('clients_service_verified_clients_total', 'Accounts with a verified e-mail address', count('verifiedAccounts'))
  gauge('clients_service_mfa_enabled_total', 'Accounts with the second factor on', count('secondFactorAccounts'))
  gauge('clients_service_database_connections', 'Connections to the database', identity.connections)
  gauge('clients_service_uptime_seconds', 'Seconds since the process started', () => performance.now() / 1000)
  return () => undefined
}
