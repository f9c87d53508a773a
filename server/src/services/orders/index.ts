import type { Database, Statement } from '../../platform/db/database.ts'
import { pruneIdempotencyKeys } from '../../platform/db/idempotency.ts'
import type { ServerNotices } from '../../platform/db/notices/index.ts'
import { pruneInbox, pruneOutbox } from '../../platform/db/pruning.ts'
import { createReadCache } from '../../platform/read-cache.ts'
import { findProduct, listProducts } from './browse-products.ts'
import { changeStatus } from './change-status.ts'
import { type Deps, ordersKey } from './deps.ts'
import { fillEmptyCatalogue, importProducts } from './import-products.ts'
import { placeOrder } from './place-order.ts'
import { readOrder } from './read-orders.ts'
import * as store from './store.ts'

export { followAccounts } from './consumers/follow-accounts.ts'
export type { OrdersErrorCode } from './errors.ts'
export type { OrdersEvent } from './events.ts'
export type { OrderWithItems } from './place-order.ts'
export { orderStatuses } from './status.ts'
export type { NewProduct, Order, OrderItem, Product } from './store.ts'

/** Where orders' migrations lie. */
export const migrations = { name: 'orders', directory: `${import.meta.dirname}/migrations` }

/** The catalogue with its stock, and the orders. */
export type Orders = ReturnType<typeof openOrders>

export function openOrders(options: { database: Database; notices: ServerNotices; eventsRecorded: () => void }) {
  const { database, notices, eventsRecorded } = options
  const deps: Deps = {
    database,
    catalogue: createReadCache({ name: 'catalogue', notices, max: 50 }),
    ordersOf: createReadCache({ name: 'orders', notices, max: 5_000 }),
    eventsRecorded,
  }
  return {
    listProducts: listProducts(deps),
    findProduct: findProduct(deps),
    importProducts: importProducts(deps),
    fillEmptyCatalogue: fillEmptyCatalogue(deps),
    place: placeOrder(deps),
    /** A page of a person's own orders, newest first. */
    list: (customer: store.Customer, page: { limit: number; offset: number }): Promise<readonly store.Order[]> =>
      deps.ordersOf.get(ordersKey(customer), `${page.limit}:${page.offset}`, () =>
        store.listOrders(database, customer, page),
      ),
    read: readOrder(deps),
    changeStatus: changeStatus(deps),
    close() {
      deps.catalogue.close()
      deps.ordersOf.close()
    },
  }
}

/** What orders forgets, and after how long. */
export const pruning: readonly (() => Statement<unknown>)[] = [pruneIdempotencyKeys, pruneOutbox, pruneInbox]
