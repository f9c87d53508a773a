import { type Deps, wholeCatalogue } from './deps.ts'
import * as store from './store.ts'

/** Writes products in one transaction: all of them, or none. */
export const importProducts =
  ({ database, catalogue }: Deps) =>
  async (products: readonly store.NewProduct[]): Promise<void> => {
    await database.transaction((tx) => store.writeProducts(tx, products))
    await catalogue.drop(wholeCatalogue)
  }

/** Writes the given products into a catalogue that has none; false when it has some. */
export const fillEmptyCatalogue =
  ({ database, catalogue }: Deps) =>
  async (products: readonly store.NewProduct[]): Promise<boolean> => {
    const filled = await database.transaction(async (tx) => {
      if (!(await store.lockEmptyCatalogue(tx))) return false
      await store.writeProducts(tx, products)
      return true
    })
    if (filled) await catalogue.drop(wholeCatalogue)
    return filled
  }
