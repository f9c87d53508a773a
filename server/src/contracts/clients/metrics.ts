import type { Statistics } from '../../services/identity/index.ts'
import { cachedFor } from '../_kit/cached-for.ts'
import type { Contract } from '../_kit/contract.ts'
import { realm } from './realm.ts'

/** The figures that the contract names, beside our own. */
export const metrics: NonNullable<Contract['metrics']> = ({ gauge, rising }, identity) => {
  const statistics = cachedFor(5_000, () => identity.accounts.statistics({ realm }))
  const count = (name: keyof Statistics) => async () => (await statistics())[name]
  gauge('clients_service_clients_total', 'Client accounts', count('accounts'))
  gauge('clients_service_verified_clients_total', 'Accounts with a verified e-mail address', count('verifiedAccounts'))
  gauge('clients_service_mfa_enabled_total', 'Accounts with the second factor on', count('secondFactorAccounts'))
  gauge('clients_service_database_connections', 'Connections to the database', identity.connections)
  rising('clients_service_uptime_seconds', 'Seconds since the process started', process.uptime)
  return () => undefined
}
