import { type Deps, wholeCatalogue } from './deps.ts'
import { refuse } from './errors.ts'
import * as store from './store.ts'

/** A page of the catalogue, by id. */
export const listProducts =
  ({ database, catalogue }: Deps) =>
  (page: { limit: number; offset: number }): Promise<readonly store.Product[]> =>
    catalogue.get(wholeCatalogue, `${page.limit}:${page.offset}`, () => store.listProducts(database, page))

/** One product with its present stock. */
export const findProduct =
  ({ database }: Deps) =>
  async (id: number): Promise<store.Product> => {
    const product = await store.findProduct(database, id)
    if (!product) throw refuse('orders.product_not_found')
    return product
  }
