import { DomainError } from '../../platform/errors.ts'

/** Everything orders declines. The error table of each contract that uses it answers every one of them. */
export const ordersErrors = [
  'orders.product_not_found',
  'orders.order_not_found',
  'orders.unknown_product',
  'orders.not_enough_stock',
  'orders.invalid_transition',
  'orders.transition_not_allowed',
  'orders.idempotency_key_reused',
] as const
export type OrdersErrorCode = (typeof ordersErrors)[number]

/** Makes a DomainError of orders, to be thrown. */
export const refuse = (code: OrdersErrorCode, details?: Readonly<Record<string, unknown>>) =>
  new DomainError<OrdersErrorCode>(code, details)
