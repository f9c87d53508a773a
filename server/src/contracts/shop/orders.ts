import Type from 'typebox'
import { orderStatuses } from '../../services/orders/index.ts'
import { reply, route, type ValidationError } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { IdParams, numberOf, PageQuery, pageOf } from '../_kit/schema.ts'
import { validationErrors } from './errors.ts'
import {
  done,
  Failure,
  listOf,
  OrderDetail,
  OrderRow,
  orderDetailOf,
  orderOf,
  ProductRow,
  productOf,
  Success,
  SuccessList,
} from './wire.ts'

const productList = listOf(productOf)
const orderList = listOf(orderOf)

const listProducts = route('orders', 'GET', '/products', {
  summary: 'List products',
  access: 'public',
  query: PageQuery,
  replies: { 200: SuccessList(ProductRow), 400: Failure },
  async handler(orders, { query }) {
    return reply(200, productList(await orders.listProducts(pageOf(query))))
  },
})

const readProduct = route('orders', 'GET', '/products/:id', {
  summary: 'Read a product',
  access: 'public',
  params: IdParams,
  replies: { 200: Success(ProductRow), 400: Failure, 404: Failure },
  async handler(orders, { params }) {
    return reply(200, done(productOf(await orders.findProduct(numberOf(params.id)))))
  },
})

const listOrders = route('orders', 'GET', '/orders', {
  summary: "List the caller's orders, newest first",
  access: 'person',
  query: PageQuery,
  replies: { 200: SuccessList(OrderRow), 400: Failure },
  async handler(orders, { query, claims, context }) {
    const customer = { accountId: claims.uid, realm: context.realm.name }
    return reply(200, orderList(await orders.list(customer, pageOf(query))))
  },
})

const Line = Type.Object({
  product_id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  quantity: Type.Integer({ minimum: 1, maximum: 1000 }),
})

/** Without items there is nothing to order; with items that do not fit the order fails. */
const orderError = ({ path, keyword }: ValidationError) =>
  path === '' || (path === '/items' && keyword !== 'maxItems') ? validationErrors.items : validationErrors.line

const placeOrder = route('orders', 'POST', '/orders', {
  summary: 'Place an order',
  description: 'All lines or none. Prices are those of the catalogue, and the stock is taken at once.',
  access: 'person',
  idempotent: true,
  body: Type.Object({ items: Type.Array(Line, { minItems: 1, maxItems: 100 }) }),
  replies: { 201: Success(OrderDetail), 400: Failure },
  validationError: orderError,
  async handler(orders, { body, claims, context, idempotency }) {
    const lines = body.items.map(({ product_id, quantity }) => ({ productId: product_id, quantity }))
    const customer = { accountId: claims.uid, realm: context.realm.name }
    const order = await orders.place({ ...customer, username: String(claims.sub), lines }, idempotency)
    return reply(201, done(orderDetailOf(order), 'The order is placed.'))
  },
})

const readOrder = route('orders', 'GET', '/orders/:id', {
  summary: 'Read an order',
  description: 'For others than the owner and administrators it does not exist.',
  access: 'person',
  params: IdParams,
  replies: { 200: Success(OrderDetail), 400: Failure, 404: Failure },
  async handler(orders, { params, context }) {
    const order = await orders.read(numberOf(params.id), context)
    return reply(200, done(orderDetailOf(order)))
  },
})

const updateOrder = route('orders', 'PUT', '/orders/:id', {
  summary: "Change an order's status",
  description: 'An administrator takes every step; the owner may cancel a pending order, which frees its stock.',
  access: 'person',
  params: IdParams,
  body: Type.Object({ status: Type.Union(orderStatuses.map((status) => Type.Literal(status))) }),
  replies: { 200: Success(OrderDetail), 400: Failure, 403: Failure, 404: Failure, 409: Failure },
  validationError: ({ path, keyword }) =>
    path === '' || keyword === 'required' ? validationErrors.missingStatus : validationErrors.status,
  async handler(orders, { params, body, context }) {
    const order = await orders.changeStatus(numberOf(params.id), body.status, context)
    return reply(200, done(orderDetailOf(order), 'The order is updated.'))
  },
})

export const ordersRoutes = [
  ...operations('Products', { listProducts, readProduct }),
  ...operations('Orders', { listOrders, placeOrder, readOrder, updateOrder }),
]
