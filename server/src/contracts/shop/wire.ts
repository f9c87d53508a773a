import Type, { type TSchema } from 'typebox'
import type { Order, OrderItem, OrderWithItems, Product } from '../../services/orders/index.ts'
import type { Profile } from '../../services/profiles/index.ts'
import { memoize } from '../_kit/memoize.ts'
import { OptionalEmail, OptionalText } from '../_kit/schema.ts'

/** The shop's shapes on the wire. */

export const Failure = Type.Object({
  success: Type.Literal(false),
  error: Type.Object({ code: Type.String(), message: Type.String() }),
})

export const Success = <Data extends TSchema>(data: Data) =>
  Type.Object({ success: Type.Literal(true), data, message: Type.Optional(Type.String()) })

export const SuccessList = <Item extends TSchema>(item: Item) =>
  Type.Object({ success: Type.Literal(true), data: Type.Array(item), count: Type.Integer() })

export const Message = Type.Object({ success: Type.Literal(true), message: Type.String() })

export const done = <Data>(data: Data, message?: string) =>
  ({ success: true, data, ...(message !== undefined && { message }) }) as const

export const list = <Item>(data: Item[]) => ({ success: true, data, count: data.length }) as const

/** Presents a list that its service may hand out again. */
export const listOf = <Entity, Item>(present: (entity: Entity) => Item) =>
  memoize((entities: readonly Entity[]) => list(entities.map(present)))

export const message = (text: string) => ({ success: true, message: text }) as const

/** UTC as `YYYY-MM-DD HH:MM:SS`. */
export const time = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ')

const NullableText = Type.Union([Type.String(), Type.Null()])

export const User = Type.Object({
  id: Type.Integer(),
  username: Type.String(),
  email: NullableText,
  first_name: NullableText,
  last_name: NullableText,
  phone: NullableText,
  address: NullableText,
  date_creation: Type.String(),
  date_update: NullableText,
})

export const userOf = (profile: Profile): Type.Static<typeof User> => ({
  id: profile.number,
  username: profile.username,
  email: profile.email,
  first_name: profile.firstName,
  last_name: profile.lastName,
  phone: profile.phone,
  address: profile.address,
  date_creation: time(profile.createdAt),
  date_update: profile.updatedAt && time(profile.updatedAt),
})

/** The fields of a user that can be set; unset is null. */
export const userFields = {
  email: OptionalEmail,
  first_name: OptionalText(200),
  last_name: OptionalText(200),
  phone: OptionalText(50),
  address: OptionalText(1000),
}

export const ProductRow = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  price: Type.Number(),
  description: NullableText,
  stock: Type.Integer(),
  date_creation: Type.String(),
})

export const productOf = (product: Product): Type.Static<typeof ProductRow> => ({
  id: product.id,
  name: product.name,
  price: product.priceCents / 100,
  description: product.description,
  stock: product.stock,
  date_creation: time(product.createdAt),
})

const orderFields = {
  id: Type.Integer(),
  user_id: Type.String(),
  total: Type.Number(),
  status: Type.String(),
  date_creation: Type.String(),
}
export const OrderRow = Type.Object(orderFields)

export const orderOf = (order: Order): Type.Static<typeof OrderRow> => ({
  id: order.number,
  user_id: order.username,
  total: order.totalCents / 100,
  status: order.status,
  date_creation: time(order.createdAt),
})

export const Item = Type.Object({
  id: Type.Integer(),
  order_id: Type.Integer(),
  product_id: Type.Integer(),
  product_name: Type.String(),
  quantity: Type.Integer(),
  price: Type.Number(),
})
export const OrderDetail = Type.Object({ ...orderFields, items: Type.Array(Item) })

export const orderDetailOf = (order: OrderWithItems): Type.Static<typeof OrderDetail> => ({
  ...orderOf(order),
  items: order.items.map((item) => itemOf(order, item)),
})

const itemOf = (order: Order, item: OrderItem): Type.Static<typeof Item> => ({
  id: item.id,
  order_id: order.number,
  product_id: item.productId,
  product_name: item.productName,
  quantity: item.quantity,
  price: item.priceCents / 100,
})
