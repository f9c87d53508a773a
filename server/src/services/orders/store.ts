import { type Queryable, sql } from '../../platform/db/database.ts'
import type { OrderStatus } from './status.ts'

export interface Product {
  id: number
  name: string
  description: string | null
  priceCents: number
  stock: number
  createdAt: Date
}

export interface Order {
  id: string
  number: number
  accountId: string | null
  /** Null: from before realms. */
  realm: string | null
  username: string
  totalCents: number
  status: OrderStatus
  createdAt: Date
}

export interface OrderItem {
  id: number
  productId: number
  productName: string
  quantity: number
  priceCents: number
}

export const listProducts = (db: Queryable, { limit, offset }: { limit: number; offset: number }) =>
  db.many(sql<Product>`
    SELECT id, name, description, price_cents AS "priceCents", stock, created_at AS "createdAt"
      FROM products ORDER BY id LIMIT ${limit} OFFSET ${offset}`)

export const findProduct = (db: Queryable, id: number) =>
  db.maybe(sql<Product>`
    SELECT id, name, description, price_cents AS "priceCents", stock, created_at AS "createdAt"
      FROM products WHERE id = ${id}`)

/** Whose orders: an account’s in a realm. */
export interface Customer {
  accountId: string
  realm: string
}

export const listOrders = (
  db: Queryable,
  { accountId, realm }: Customer,
  { limit, offset }: { limit: number; offset: number },
) =>
  db.many(sql<Order>`
    SELECT id, number, account_id AS "accountId", realm, username, total_cents AS "totalCents", status, created_at AS "createdAt"
      FROM orders WHERE account_id = ${accountId} AND (realm = ${realm} OR realm IS NULL)
     ORDER BY number DESC LIMIT ${limit} OFFSET ${offset}`)

export const findOrder = (db: Queryable, id: string) =>
  db.maybe(sql<Order>`
    SELECT id, number, account_id AS "accountId", realm, username, total_cents AS "totalCents", status, created_at AS "createdAt"
      FROM orders WHERE id = ${id}`)

export const findOrderByNumber = (db: Queryable, number: number) =>
  db.maybe(sql<Order>`
    SELECT id, number, account_id AS "accountId", realm, username, total_cents AS "totalCents", status, created_at AS "createdAt"
      FROM orders WHERE number = ${number}`)

export const lockOrderByNumber = (tx: Queryable, number: number) =>
  tx.maybe(sql<Order & { sequence: number }>`
    SELECT id, number, account_id AS "accountId", realm, username, total_cents AS "totalCents", status,
           created_at AS "createdAt", sequence
      FROM orders WHERE number = ${number} FOR UPDATE`)

export const listItems = (db: Queryable, orderId: string) =>
  db.many(sql<OrderItem>`
    SELECT id, product_id AS "productId", product_name AS "productName", quantity, price_cents AS "priceCents"
      FROM order_items WHERE order_id = ${orderId} ORDER BY id`)

export interface NewOrder extends Customer {
  id: string
  username: string
  lines: readonly { productId: number; quantity: number }[]
  eventId: string
}

/**
 * Takes the stock, writes the order with its lines and tells of it, in one statement: all of it or nothing. `known` says how many
 * of the wanted products exist; `number` is null when something was missing and nothing was written.
 */
export const placeOrder = (db: Queryable, order: NewOrder) =>
  db.one(sql<{ number: number | null; known: number; wanted: number }>`
    WITH line AS (
      SELECT * FROM unnest(${order.lines.map((line) => line.productId)}::bigint[],
                           ${order.lines.map((line) => line.quantity)}::int[]) WITH ORDINALITY AS l (product_id, quantity, place)
    ), wanted AS (
      SELECT product_id, sum(quantity)::bigint AS quantity FROM line GROUP BY product_id
    ), locked AS MATERIALIZED (
      -- Locked in one order, whatever the order of the lines: two orders over the same products cannot deadlock.
      SELECT id, name, price_cents, stock FROM products
       WHERE id IN (SELECT product_id FROM wanted) ORDER BY id FOR UPDATE
    ), verdict AS MATERIALIZED (
      SELECT count(l.id)::int AS known, count(*)::int AS wanted, bool_and(coalesce(l.stock >= w.quantity, false)) AS enough
        FROM wanted w LEFT JOIN locked l ON l.id = w.product_id
    ), taken AS (
      UPDATE products p SET stock = p.stock - w.quantity FROM wanted w
       WHERE p.id = w.product_id AND (SELECT enough FROM verdict)
    ), placed AS (
      INSERT INTO orders (id, account_id, realm, username, total_cents)
      SELECT ${order.id}::uuid, ${order.accountId}::uuid, ${order.realm}::text, ${order.username}::text,
             (SELECT sum(l.price_cents * w.quantity) FROM wanted w JOIN locked l ON l.id = w.product_id)
       WHERE (SELECT enough FROM verdict)
      RETURNING id, number, account_id, total_cents
    ), items AS (
      INSERT INTO order_items (order_id, product_id, product_name, quantity, price_cents)
      SELECT placed.id, locked.id, locked.name, line.quantity, locked.price_cents
        FROM placed, line JOIN locked ON locked.id = line.product_id ORDER BY line.place
    ), event AS (
      INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
      SELECT ${order.eventId}::uuid, id, 1, 'order.placed',
             jsonb_build_object('number', number, 'accountId', account_id, 'totalCents', total_cents) FROM placed
    )
    SELECT (SELECT number FROM placed) AS number, known, wanted FROM verdict`)

/** Moves an order on; a cancelled one gives its stock back. */
export const changeStatus = (
  tx: Queryable,
  by: { orderId: string; from: OrderStatus; to: OrderStatus; eventId: string },
) =>
  tx.run(sql`
    WITH changed AS (
      UPDATE orders SET status = ${by.to}, sequence = sequence + 1, updated_at = now()
       WHERE id = ${by.orderId} AND status = ${by.from}
      RETURNING id, number, sequence
    ), returned AS (
      SELECT product_id, sum(quantity) AS quantity FROM order_items
       WHERE order_id = (SELECT id FROM changed) AND ${by.to}::text = 'cancelled' GROUP BY product_id
    ), locked AS MATERIALIZED (
      SELECT id FROM products WHERE id IN (SELECT product_id FROM returned) ORDER BY id FOR UPDATE
    ), restocked AS (
      UPDATE products p SET stock = p.stock + r.quantity FROM returned r JOIN locked l ON l.id = r.product_id
       WHERE p.id = r.product_id
    )
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data)
    SELECT ${by.eventId}::uuid, id, sequence, 'order.status_changed',
           jsonb_build_object('number', number, 'from', ${by.from}::text, 'to', ${by.to}::text) FROM changed`)

/** Cuts the tie between a deleted account and its orders. */
/** Of one realm, or of all. */
export const anonymiseOrders = (db: Queryable, accountId: string, realm?: string) =>
  db.run(sql`
    UPDATE orders SET account_id = NULL, username = 'deleted', updated_at = now()
     WHERE account_id = ${accountId} AND (${realm ?? null}::text IS NULL OR realm IS NULL OR realm = ${realm ?? null})`)

export interface NewProduct {
  /** Replaces the product of that id; without one a new product is made. */
  id?: number | undefined
  name: string
  description?: string | null | undefined
  priceCents: number
  stock: number
}

/** Writes products, those with a known id over the present ones, and keeps the next free id above them. */
export const writeProducts = async (tx: Queryable, products: readonly NewProduct[]): Promise<void> => {
  for (const { id, name, description = null, priceCents, stock } of products) {
    if (id === undefined) {
      await tx.run(sql`
        INSERT INTO products (name, description, price_cents, stock) VALUES (${name}, ${description}, ${priceCents}, ${stock})`)
    } else {
      await tx.run(sql`
        INSERT INTO products (id, name, description, price_cents, stock)
        VALUES (${id}, ${name}, ${description}, ${priceCents}, ${stock})
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
          price_cents = excluded.price_cents, stock = excluded.stock`)
      await tx.run(sql`
        SELECT setval(pg_get_serial_sequence('products', 'id'), greatest((SELECT max(id) FROM products), 1))`)
    }
  }
}

/** Locks the catalogue against other writers of products, and says whether it is empty. */
export const lockEmptyCatalogue = async (tx: Queryable): Promise<boolean> => {
  await tx.run(sql`LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE`)
  const { empty } = await tx.one(sql<{ empty: boolean }>`SELECT NOT EXISTS (SELECT 1 FROM products) AS empty`)
  return empty
}
