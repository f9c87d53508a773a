import { createOnce, type IdempotencyKey } from '../../platform/db/idempotency.ts'
import { newId } from '../../platform/ids.ts'
import { type Deps, ordersKey, wholeCatalogue } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store.ts'

export interface OrderInput extends store.Customer {
  username: string
  /** At least one; quantities are whole and positive. The same product may stand in several lines. */
  lines: readonly { productId: number; quantity: number }[]
}

export type OrderWithItems = store.Order & { items: readonly store.OrderItem[] }

/** Places an order at today's prices and takes its stock; when one product is short, nothing changes. */
export const placeOrder =
  (deps: Deps) =>
  async (input: OrderInput, idempotency?: IdempotencyKey): Promise<OrderWithItems> => {
    const { database } = deps
    const id = newId()
    const { created, fresh } = await createOnce<string>(database, idempotency, {
      id,
      async create(tx) {
        const { number, known, wanted } = await store.placeOrder(tx, { id, ...input, eventId: newId() })
        if (known < wanted) throw refuse('orders.unknown_product')
        if (number === null) throw refuse('orders.not_enough_stock')
        return id
      },
      again: async (createdId) => createdId,
      reused: () => refuse('orders.idempotency_key_reused'),
    })
    if (fresh) {
      deps.eventsRecorded()
      await Promise.all([deps.catalogue.drop(wholeCatalogue), deps.ordersOf.drop(ordersKey(input))])
    }
    const [order, items] = await Promise.all([store.findOrder(database, created), store.listItems(database, created)])
    if (!order) throw refuse('orders.order_not_found')
    return { ...order, items }
  }
