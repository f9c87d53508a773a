import pg from 'pg'
import { expect } from 'vitest'
import { openDatabase } from '../../../src/platform/db/database.ts'
import { openNotices } from '../../../src/platform/db/notices/index.ts'
import { poll } from '../../../src/platform/db/poll.ts'
import { silentLogger } from '../../../src/platform/log.ts'
import { type NewProduct, openOrders } from '../../../src/services/orders/index.ts'
import type { Arrangement } from '../../support/arrangements.ts'
import type { Call } from '../../support/http-call.ts'
import * as http from '../../support/http-call.ts'
import { runCommand, testEnvironment } from '../../support/processes.ts'

export type { Call } from '../../support/http-call.ts'

import { type Claims, claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

/** The shop as its clients see it, and what lies in its databases. */

export type Answer<Data> = http.Answer<{
  success: boolean
  data: Data
  message?: string
  count?: number
  error?: { code: string; message: string }
}>

/** One request; the answer must be JSON. */
export const call = <Data = unknown>(method: string, url: string, how: Call = {}): Promise<Answer<Data>> =>
  http.call<Answer<Data>['body']>(method, url, how)

/** The contract's error form, exactly. */
export function expectFailure(answer: Answer<unknown>, status: number, code: string, note = ''): void {
  expect({ note, status: answer.status, body: answer.body }).toEqual({
    note,
    status,
    body: { success: false, error: { code, message: expect.stringMatching(/\S/) } },
  })
}

export interface Pair {
  access_token: string
  refresh_token: string
  token_type: string
  expires_in: number
  refresh_expires_at: number
}

export interface User {
  id: number
  username: string
  email: string | null
  first_name: string | null
  last_name: string | null
  phone: string | null
  address: string | null
  date_creation: string
  date_update: string | null
}

export interface Product {
  id: number
  name: string
  price: number
  description: string | null
  stock: number
  date_creation: string
}

export interface Order {
  id: number
  user_id: string
  total: number
  status: string
  date_creation: string
  items: { id: number; order_id: number; product_id: number; product_name: string; quantity: number; price: number }[]
}

/** Somebody who registered and signed in. */
export interface Person {
  username: string
  password: string
  /** The `user_id` of the registration. */
  id: number
  token: string
  refreshToken: string
  claims: Claims
}

/** `YYYY-MM-DD HH:MM:SS`. */
export const timeText = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/

/** The moment that the contract's time text means: UTC. */
export const momentOf = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`)

export type ShopClient = ReturnType<typeof shopClient>

/** What the tests of one arrangement do all the time. */
export function shopClient({ urls, postgresUrl, dataDir }: Arrangement) {
  const at = (path: string) => `${urls.gateway}${path}`
  const urlOf = (database: string) => {
    const url = new URL(postgresUrl)
    url.pathname = `/${database}`
    return url.href
  }

  const signIn = async (username: string, password: string): Promise<Pair> => {
    const answer = await call<Pair>('POST', at('/auth/login'), { json: { username, password } })
    expect(answer.status, answer.text).toBe(200)
    return answer.body.data
  }

  const register = async (prefix = 'person'): Promise<Person> => {
    const username = uniqueName(prefix)
    const password = `password of ${username}`
    const made = await call<{ user_id: number }>('POST', at('/auth/register'), { json: { username, password } })
    expect(made.status, made.text).toBe(201)
    const { access_token, refresh_token } = await signIn(username, password)
    return {
      username,
      password,
      id: made.body.data.user_id,
      token: access_token,
      refreshToken: refresh_token,
      claims: claimsOf(access_token),
    }
  }

  /** Rows of one of the databases `identity`, `profiles` and `orders`. */
  const rows = async <Row extends pg.QueryResultRow>(
    database: 'identity' | 'profiles' | 'orders',
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: urlOf(database) })
    await client.connect()
    try {
      return (await client.query<Row>(text, [...values])).rows
    } finally {
      await client.end()
    }
  }

  /** The types of the events recorded of an account or an order, in order. */
  const recorded = async (database: 'identity' | 'orders', aggregateId: string): Promise<string[]> => {
    const text = 'SELECT type FROM outbox_events WHERE aggregate_id = $1 ORDER BY sequence'
    return (await rows<{ type: string }>(database, text, [aggregateId])).map(({ type }) => type)
  }

  const command = (...words: string[]) => runCommand(words, { ...testEnvironment, GUICHET_DATA_DIR: dataDir })

  /** What `guichet import products` does with the lines of its file, without the process that it takes. */
  const writeProducts = async (products: readonly NewProduct[]): Promise<void> => {
    const of = { name: 'orders', url: urlOf('orders'), log: silentLogger() }
    const database = openDatabase(of)
    const notices = openNotices(of)
    const orders = openOrders({ database, notices, eventsRecorded: () => undefined })
    try {
      // Else the running server would not hear that its catalogue is another one.
      expect(await poll(() => notices.connected() || undefined, { withinMs: 10_000 })).toBe(true)
      await orders.importProducts(products)
    } finally {
      orders.close()
      await notices.close()
      await database.close()
    }
  }

  return {
    urls,
    at,
    get: <Data = unknown>(path: string, options: Call = {}) => call<Data>('GET', at(path), options),
    post: <Data = unknown>(path: string, options: Call = {}) => call<Data>('POST', at(path), options),
    put: <Data = unknown>(path: string, options: Call = {}) => call<Data>('PUT', at(path), options),
    del: <Data = unknown>(path: string, options: Call = {}) => call<Data>('DELETE', at(path), options),
    signIn,
    register,
    admin: async () => (await signIn('admin', 'admin')).access_token,
    rows,
    recorded,
    /** The events of the order of that number. */
    async orderEvents(number: number) {
      const [order] = await rows<{ id: string }>('orders', 'SELECT id FROM orders WHERE number = $1', [number])
      return recorded('orders', order!.id)
    },
    /** Orders written for an account, and events that say one was placed. */
    async ordersWritten(accountId: string) {
      const [count] = await rows<{ orders: number; events: number }>(
        'orders',
        `SELECT (SELECT count(*)::int FROM orders WHERE account_id = $1::uuid) AS orders,
                (SELECT count(*)::int FROM outbox_events
                  WHERE type = 'order.placed' AND data->>'accountId' = $1::text) AS events`,
        [accountId],
      )
      return count!
    },
    /** The stock that GET /products/{id} tells. */
    async stockOf(id: number) {
      return (await call<Product>('GET', at(`/products/${id}`))).body.data.stock
    },
    command,
    /** Imports products of our own; gives their ids in the same order. */
    async importProducts(products: readonly { price: number; stock: number; description?: string }[]) {
      const named = products.map((product) => ({ name: uniqueName('product'), ...product }))
      await writeProducts(named.map(({ price, ...rest }) => ({ ...rest, priceCents: Math.round(price * 100) })))
      const known = await rows<{ id: number; name: string }>(
        'orders',
        'SELECT id::int, name FROM products WHERE name = ANY($1)',
        [named.map(({ name }) => name)],
      )
      return named.map(({ name }) => known.find((product) => product.name === name)!.id)
    },
  }
}
