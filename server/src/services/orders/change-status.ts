import { newId } from '../../platform/ids.ts'
import { may, type RequestContext } from '../realm/index.ts'
import { type Deps, ordersKey, wholeCatalogue } from './deps.ts'
import { refuse } from './errors.ts'
import type { OrderWithItems } from './place-order.ts'
import { mayRead } from './read-orders.ts'
import { judgeStep, type OrderStatus } from './status.ts'
import * as store from './store.ts'

/** Moves an order to another status; cancelling gives its stock back. The present status again changes nothing. */
export const changeStatus =
  (deps: Deps) =>
  async (number: number, to: OrderStatus, context: RequestContext): Promise<OrderWithItems> => {
    const changed = await deps.database.transaction(async (tx) => {
      const order = await store.lockOrderByNumber(tx, number)
      if (!order || !mayRead(order, context)) throw refuse('orders.order_not_found')
      const { status: from } = order
      const verdict = judgeStep(from, to, may(context, 'orders:manage'))
      if (verdict === 'illegal') throw refuse('orders.invalid_transition', { from, to })
      if (verdict === 'not_allowed') throw refuse('orders.transition_not_allowed', { from, to })
      if (verdict === 'legal') await store.changeStatus(tx, { orderId: order.id, from, to, eventId: newId() })
      const { sequence: _, ...shown } = order
      return { order: { ...shown, status: to }, fresh: verdict === 'legal' }
    })
    const { order, fresh } = changed
    if (fresh) {
      deps.eventsRecorded()
      const { accountId } = order
      const owner =
        accountId === null ? undefined : deps.ordersOf.drop(ordersKey({ accountId, realm: context.realm.name }))
      await Promise.all([owner, to === 'cancelled' ? deps.catalogue.drop(wholeCatalogue) : undefined])
    }
    return { ...order, items: await store.listItems(deps.database, order.id) }
  }
