import type { Database } from '../../platform/db/database.ts'
import type { ReadCache } from '../../platform/read-cache.ts'
import type { Order, Product } from './store.ts'

/** What orders' use cases are made from. */
export interface Deps {
  database: Database
  /** Pages of the catalogue, under one key: any change of stock empties it. */
  catalogue: ReadCache<readonly Product[]>
  /** Pages of a person's orders, by account. */
  ordersOf: ReadCache<readonly Order[]>
  /** Wakes the relay after a commit that recorded an event. */
  eventsRecorded(): void
}

/** The one key of the catalogue's cache. */
export const wholeCatalogue = 'catalogue'

export const ordersKey = ({ accountId, realm }: { accountId: string; realm: string }): string => `${realm}/${accountId}`
