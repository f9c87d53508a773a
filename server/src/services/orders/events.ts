import type { DomainEvent } from '../../platform/events/event.ts'
import type { OrderStatus } from './status.ts'

/** What orders tells the other services. The subject of each is the order. */
export type OrdersEvent =
  | DomainEvent<'order.placed', { number: number; accountId: string; totalCents: number }>
  | DomainEvent<'order.status_changed', { number: number; from: OrderStatus; to: OrderStatus }>
