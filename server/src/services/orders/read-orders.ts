import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import type { OrderWithItems } from './place-order.ts'
import * as store from './store.ts'

/** Who asks for an order: its owner, or an administrator. */
export interface Asker {
  accountId: string
  administrator: boolean
}

/** One order with its items. Somebody else's order is as absent as one that never was. */
export const readOrder =
  ({ database }: Deps) =>
  async (number: number, asker: Asker): Promise<OrderWithItems> => {
    const order = await store.findOrderByNumber(database, number)
    if (!order || !mayRead(order, asker)) throw refuse('orders.order_not_found')
    return { ...order, items: await store.listItems(database, order.id) }
  }

export const mayRead = (order: store.Order, { accountId, administrator }: Asker): boolean =>
  administrator || order.accountId === accountId
