import { may, type RequestContext } from '../realm/index.ts'
import type { Deps } from './deps.ts'
import { refuse } from './errors.ts'
import type { OrderWithItems } from './place-order.ts'
import * as store from './store.ts'

/** One order with its items. Somebody else's order is as absent as one that never was. */
export const readOrder =
  ({ database }: Deps) =>
  async (number: number, context: RequestContext): Promise<OrderWithItems> => {
    const order = await store.findOrderByNumber(database, number)
    if (!order || !mayRead(order, context)) throw refuse('orders.order_not_found')
    return { ...order, items: await store.listItems(database, order.id) }
  }

/** Its owner, and whoever manages the realm's orders. */
export const mayRead = ({ accountId, realm }: store.Order, context: RequestContext): boolean =>
  (realm === null || realm === context.realm.name) &&
  (may(context, 'orders:manage') || (accountId !== null && accountId === context.claims?.uid))
