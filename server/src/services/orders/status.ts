/** The states of an order, in the order it passes them. */
export const orderStatuses = ['pending', 'confirmed', 'shipped', 'delivered', 'cancelled'] as const
export type OrderStatus = (typeof orderStatuses)[number]

const legalSteps: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  pending: ['confirmed', 'cancelled'],
  confirmed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
}

/**
 * Whether a step may be taken: an administrator takes every legal one, the owner only cancels what is still pending.
 * `unchanged` is asking for the present status.
 */
export function judgeStep(
  from: OrderStatus,
  to: OrderStatus,
  administrator: boolean,
): 'unchanged' | 'legal' | 'illegal' | 'not_allowed' {
  if (from === to) return 'unchanged'
  if (!legalSteps[from].includes(to)) return 'illegal'
  if (administrator || (from === 'pending' && to === 'cancelled')) return 'legal'
  return 'not_allowed'
}
