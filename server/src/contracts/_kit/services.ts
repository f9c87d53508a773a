import type { Identity, IdentityErrorCode } from '../../services/identity/index.ts'
import type { Orders, OrdersErrorCode } from '../../services/orders/index.ts'
import type { Profiles, ProfilesErrorCode } from '../../services/profiles/index.ts'

/** The services a route can belong to. */
export interface Services {
  identity: Identity
  profiles: Profiles
  orders: Orders
}
export type ServiceName = keyof Services
export const serviceNames = ['identity', 'profiles', 'orders'] as const satisfies readonly ServiceName[]

/** Everything that each service declines. */
export interface ServiceErrors {
  identity: IdentityErrorCode
  profiles: ProfilesErrorCode
  orders: OrdersErrorCode
}
