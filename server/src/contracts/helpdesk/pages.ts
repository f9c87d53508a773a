import Type from 'typebox'

/** Lists of the user service come in pages. */

const usualSize = 20

/** Forms send what nobody filled in as empty text. */
const orEmpty = (number: Type.TInteger, usual: number) => Type.Union([number, Type.Literal('')], { default: usual })

/** The fields of a query that say which page is wanted. */
export const pageFields = {
  page: Type.Optional(orEmpty(Type.Integer({ minimum: 1, maximum: 1_000_000 }), 1)),
  limit: Type.Optional(orEmpty(Type.Integer({ minimum: 1, maximum: 100 }), usualSize)),
}
type PageWanted = Type.Static<Type.TObject<typeof pageFields>>

/** The entries of a page: how many, and after how many others. */
export function entriesOf(wanted: PageWanted) {
  const { page, limit } = pageOf(wanted)
  return { limit, offset: (page - 1) * limit }
}

const pageOf = ({ page, limit }: PageWanted) => ({ page: page || 1, limit: limit || usualSize })

export const Pagination = Type.Object({
  page: Type.Integer(),
  limit: Type.Integer(),
  total: Type.Integer(),
  pages: Type.Integer(),
})

export function paginationOf(wanted: PageWanted, total: number): Type.Static<typeof Pagination> {
  const { page, limit } = pageOf(wanted)
  return { page, limit, total, pages: Math.ceil(total / limit) }
}
