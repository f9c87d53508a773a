import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { preparedDataDir } from '../support/prepared-data.ts'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../support/processes.ts'
import { call, eventually, inParallel, rowsOf, signIn } from './calls.ts'
import { isAlive, postmasterOf, removeDataDir } from './postmaster.ts'

/** Long enough for a busy machine, much shorter than a person's patience. */
const readyWithinMs = 15_000
const stockAtFirst = 100_000

interface Registration {
  username: string
  password: string
}

interface Order {
  lines: { product_id: number; quantity: number }[]
  key: string | undefined
  /** What was acknowledged. */
  answer?: { id: number; total: number }
}

test.each([
  { killed: 'the process', server: 'survives it as an orphan', both: false },
  { killed: 'the process and its PostgreSQL', server: 'has to recover', both: true },
])(
  'kill -9 of $killed in a burst loses nothing acknowledged: the server $server',
  { timeout: 120_000 },
  async ({ both }) => {
    const dataDir = await preparedDataDir('guichet-kill-nine')
    const [port] = await freePorts(1)
    const environment = { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: String(port) }
    const base = `http://127.0.0.1:${port}`
    let shop: GuichetProcess = await startProcess(['start'], environment)
    onTestFinished(async () => {
      await shop.stop()
      await removeDataDir(dataDir)
    })
    const urlFile = join(dataDir, 'postgres', 'url')
    const postgres = async () => (await readFile(urlFile, 'utf8')).trim()
    await rowsOf(await postgres(), 'orders', `UPDATE products SET stock = ${stockAtFirst}`)

    const killAfter = randomInt(40, 160)
    const burst = startBurst(base, await signIn(base))
    await burst.acknowledged(killAfter)
    const postmaster = await postmasterOf(dataDir)
    await shop.kill()
    if (both) {
      process.kill(postmaster, 'SIGKILL')
      await eventually(5_000, async () => expect(await isAlive(postmaster)).toBe(false))
    } else expect(await isAlive(postmaster), 'the server outlives its owner').toBe(true)
    await burst.ended
    const { registrations, orders, asked } = burst
    const about = `killed after ${killAfter} of ${asked()} requests`
    // Else the kill came when all was over, and the test would show nothing.
    expect(registrations.length + orders.filter(({ answer }) => answer).length, about).toBeLessThan(asked())

    const began = performance.now()
    shop = await startProcess(['start'], environment)
    expect(performance.now() - began, about).toBeLessThan(readyWithinMs)

    const token = await signIn(base)
    await inParallel(registrations, 8, async ({ username, password }) => {
      const login = await call(base, 'POST', '/auth/login', { body: { username, password } })
      expect(login.status, `${username}, ${about}`).toBe(200)
    })
    await inParallel(orders, 8, async ({ lines, key, answer }) => {
      const again = key === undefined ? undefined : await place(base, token, { lines, key })
      if (again) expect(again.status, again.text).toBe(201)
      if (!answer) return
      // The same key after the crash is still the same order.
      if (again) expect(again.body.data.id, about).toBe(answer.id)
      const read = await call(base, 'GET', `/orders/${answer.id}`, { token })
      expect(read.status, `order ${answer.id}, ${about}`).toBe(200)
      expect(read.body.data.total).toBe(answer.total)
      expect(quantities(read.body.data.items)).toEqual(quantities(lines))
    })

    const url = await postgres()
    await eventually(15_000, async () => {
      const accounts = await rowsOf<{ id: string }>(url, 'identity', 'SELECT id FROM accounts ORDER BY id')
      const profiles = await rowsOf<{ id: string }>(url, 'profiles', 'SELECT account_id AS id FROM profiles ORDER BY 1')
      // One each, those included whose acknowledgement the kill swallowed.
      expect(profiles, about).toEqual(accounts)
      const open = await rowsOf(url, 'identity', 'SELECT id FROM outbox_events WHERE published_at IS NULL')
      expect(open, about).toEqual([])
    })
    const listed = await call(base, 'GET', '/users', { token })
    const names: string[] = listed.body.data.map(({ username }: Registration) => username)
    expect(names).toEqual(expect.arrayContaining(registrations.map(({ username }) => username)))
    expect(new Set(names).size, 'no profile twice').toBe(names.length)

    const made = await rowsOf<{ id: string }>(
      url,
      'identity',
      "SELECT id FROM outbox_events WHERE type = 'membership.started' ORDER BY id",
    )
    expect(made.length).toBeGreaterThan(registrations.length)
    const handled = await rowsOf(
      url,
      'profiles',
      "SELECT event_id AS id FROM inbox_events WHERE consumer = 'profiles' ORDER BY 1",
    )
    expect(handled, `each event once in the inbox, ${about}`).toEqual(made)
    for (const database of ['profiles', 'orders'])
      expect(await rowsOf(url, database, 'SELECT reason FROM dead_letters')).toEqual([])

    const stocks = await rowsOf<{ id: string; sum: string }>(
      url,
      'orders',
      `SELECT p.id, p.stock + coalesce(sum(i.quantity), 0) AS sum
       FROM products p LEFT JOIN order_items i ON i.product_id = p.id GROUP BY p.id`,
    )
    expect(stocks.map(({ sum }) => Number(sum))).toEqual(stocks.map(() => stockAtFirst))
    const wrong = await rowsOf(
      url,
      'orders',
      `SELECT o.number, o.total_cents, sum(i.quantity * i.price_cents)
       FROM orders o LEFT JOIN order_items i ON i.order_id = o.id
      GROUP BY o.id HAVING o.total_cents IS DISTINCT FROM sum(i.quantity * i.price_cents)`,
    )
    expect(wrong, 'orders whose total is not the sum of their items').toEqual([])
    const keyed = new Set(orders.flatMap(({ key }) => key ?? []))
    const [found] = await rowsOf<{ keys: number; orders: number }>(
      url,
      'orders',
      `SELECT count(*)::int AS keys, count(DISTINCT created_id)::int AS orders
       FROM idempotency_keys k JOIN orders o ON o.id = k.created_id`,
    )
    expect(found, 'one order a key').toEqual({ keys: keyed.size, orders: keyed.size })
  },
)

const place = (base: string, token: string, { lines, key }: Order) =>
  call(base, 'POST', '/orders', { token, body: { items: lines }, headers: key ? { 'idempotency-key': key } : {} })

/** Registrations and orders from sixteen clients at once, until the shop is gone. */
function startBurst(base: string, token: string) {
  const registrations: Registration[] = []
  const orders: Order[] = []
  let gone = false
  let asked = 0
  let acknowledged = 0
  const heard: { count: number; tell: () => void }[] = []
  const hear = () => {
    acknowledged += 1
    for (const { count, tell } of heard) if (acknowledged >= count) tell()
  }
  const registerOne = async (username: string) => {
    asked += 1
    const registration = { username, password: `password of ${username}` }
    const { status, text } = await call(base, 'POST', '/auth/register', { body: registration })
    expect(status, text).toBe(201)
    registrations.push(registration)
    hear()
  }
  const orderOne = async (order: Order) => {
    asked += 1
    orders.push(order)
    const { status, body, text } = await place(base, token, order)
    expect(status, text).toBe(201)
    order.answer = { id: body.data.id, total: body.data.total }
    hear()
  }
  const client = async (number: number) => {
    for (let turn = 0; !gone; turn += 1) {
      const id = `${number}-${turn}`
      const lines = [
        { product_id: 1 + (turn % 5), quantity: 1 + (number % 3) },
        { product_id: 1 + (number % 5), quantity: 2 },
      ]
      const key = `key-${id}`
      const works: (() => Promise<void>)[] = [
        () => registerOne(`burst-${id}`),
        () => orderOne({ lines, key: undefined }),
        () => orderOne({ lines, key }),
        // The same order twice at the same time, as an impatient client sends it.
        () => Promise.all([orderOne({ lines, key }), orderOne({ lines, key })]).then(() => undefined),
      ]
      try {
        await works[(number + turn) % works.length]?.()
      } catch (error) {
        // A refused or cut connection is the kill; an answer of another kind is a fault.
        if (!(error instanceof TypeError)) throw error
        gone = true
      }
    }
  }
  const ended = Promise.all(Array.from({ length: 16 }, (_, number) => client(number)))
  return {
    registrations,
    orders,
    asked: () => asked,
    ended,
    acknowledged: (count: number) =>
      Promise.race([ended, new Promise<void>((tell) => heard.push({ count, tell }))]).then(() => {
        if (acknowledged < count) throw new Error(`the burst ended after ${acknowledged} acknowledgements`)
      }),
  }
}

/** Pieces by product, whatever the number of lines. */
function quantities(lines: readonly { product_id: number; quantity: number }[]) {
  const sums: Record<number, number> = {}
  for (const { product_id, quantity } of lines) sums[product_id] = (sums[product_id] ?? 0) + quantity
  return sums
}
