import Type from 'typebox'

/** Text without NUL, which PostgreSQL cannot store. Lengths count UTF-16 units. */
export const Text = (options: { minLength?: number; maxLength?: number } = {}) =>
  Type.String({ ...options, pattern: '^[^\\u0000]*$' })

/** An optional field that may also be null. */
export const OptionalText = (maxLength: number) => Type.Optional(Type.Union([Text({ maxLength }), Type.Null()]))

/** An optional e-mail address, within the lengths of RFC 5321; empty and null both mean none. */
export const OptionalEmail = Type.Optional(
  Type.Union([Type.String({ pattern: '^$|^[^\\s@\\u0000]{1,64}@[^\\s@\\u0000]{1,189}$' }), Type.Null()]),
)

/** The page of a list: 1000 entries at most, from the first. */
export const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
})

export const pageOf = ({ limit = 1000, offset = 0 }: Type.Static<typeof PageQuery>) => ({ limit, offset })

/** Path parameter `id`: any text, so that an id that cannot exist is "not found" and not a fault of form. */
export const IdParams = Type.Object({ id: Type.String({ maxLength: 100 }) })

/** The number that an id is, or -1, which nothing has, when it is none. */
export const numberOf = (id: string): number => (/^[0-9]{1,15}$/.test(id) ? Number(id) : -1)
