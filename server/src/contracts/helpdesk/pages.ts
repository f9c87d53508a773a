import Type from 'typebox'

/** Lists of the user service come in pages. */

const usualSize = 20

/** The fields of a query that say which page is wanted. */
export const pageFields = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: usualSize })),
}
type PageWanted = Type.Static<Type.TObject<typeof pageFields>>

/** The entries of a page: how many, and after how many others. */
export const entriesOf = ({ page = 1, limit = usualSize }: PageWanted) => ({ limit, offset: (page - 1) * limit })

export const Pagination = Type.Object({
  page: Type.Integer(),
  limit: Type.Integer(),
  total: Type.Integer(),
  pages: Type.Integer(),
})

export const paginationOf = (
  { page = 1, limit = usualSize }: PageWanted,
  total: number,
): Type.Static<typeof Pagination> => ({ page, limit, total, pages: Math.ceil(total / limit) })
