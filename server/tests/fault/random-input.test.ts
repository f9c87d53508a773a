import fc from 'fast-check'
import { Value } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shop as contract } from '../../src/contracts/shop/index.ts'
import { createApp } from '../../src/platform/http/app.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { type RunningArrangement, startArrangement } from '../support/arrangements.ts'
import { rounds } from '../support/soak.ts'
import { call, eventually, expectNothingOfTheInside, register, rowsOf, signIn } from './calls.ts'
import { bytesOf, exchange, type RawAnswer } from './raw-http.ts'
import { type GeneratedRequest, type Sender, shopRequest } from './shop-requests.ts'

/** fast-check prints it with the smallest failing requests; another one tries other requests. */
const seed = 20_261_121
/** What any route may answer beside the statuses that it declares: the edge's own. */
const edgeStatuses = [400, 401, 403, 404, 405, 408, 413, 429, 431]
/** Beside the contract's form: ours, for probes, metrics and keys. */
const formless = /^\/(livez|readyz|health|metrics|auth\/health|\.well-known\/jwks\.json)(\?|$)/

describe.each([
  // In four processes what the gateway lets pass also crosses to another process and comes back.
  { arrangement: 'all', batches: rounds(100, 5_000) },
  { arrangement: 'shop-in-four', batches: rounds(60, 2_000) },
] as const)('$arrangement', ({ arrangement, batches }) => {
  let shop: RunningArrangement
  let base: string
  let port: number
  const tokens: Record<Exclude<Sender, 'nobody'>, string> = { person: '', administrator: '' }
  let people = 0

  beforeAll(async () => {
    shop = await startArrangement(arrangement)
    base = shop.urls.gateway
    port = Number(new URL(base).port)
    await rowsOf(shop.postgresUrl, 'orders', 'UPDATE products SET stock = 3000')
    await renew('administrator')
    await renew('person')
  })
  afterAll(() => shop?.stop())

  /** A generated request may well have signed somebody out, or deleted the person. */
  async function renew(sender: Exclude<Sender, 'nobody'>) {
    if (sender === 'administrator') tokens.administrator = await signIn(base)
    else {
      people += 1
      tokens.person = await signIn(base, await register(base, `person-${people}`))
    }
  }

  async function send(request: GeneratedRequest): Promise<RawAnswer | undefined> {
    const { sender, headers } = request
    const authorization = sender === 'nobody' ? [] : [['Authorization', `Bearer ${tokens[sender]}`] as const]
    return exchange(port, bytesOf({ ...request, headers: [...authorization, ...headers] }))
  }

  test('no request makes it fail, hang or leave the contract', { timeout: rounds(120_000, 900_000) }, async () => {
    const statuses = new Map<number, number>()
    const batch = fc.array(shopRequest, { minLength: 20, maxLength: 20, size: 'max' })
    await fc.assert(
      fc.asyncProperty(batch, async (requests) => {
        // Side by side: they meet in the same rows.
        const answers = await Promise.all(requests.map(async (request) => ({ request, answer: await send(request) })))
        for (const { request, answer } of answers) {
          expectInContract(request, answer)
          if (answer) statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        }
        for (const sender of ['person', 'administrator'] as const) {
          const { status } = await call(base, 'GET', '/users/profile', { token: tokens[sender] })
          if (status !== 200) await renew(sender)
        }
      }),
      { seed, numRuns: batches, endOnFailure: false },
    )
    const sent = [...statuses.values()].reduce((sum, count) => sum + count, 0)
    expect(sent).toBeGreaterThanOrEqual(1_000)
    // Some must get through, or nothing behind the edge was tried.
    for (const status of [200, 201, 400, 401, 403, 404, 405, 413])
      expect(statuses.get(status), `answers with ${status} among ${JSON.stringify([...statuses])}`).toBeGreaterThan(0)
  })

  test('what is no HTTP is refused or cut off', { timeout: 60_000 }, async () => {
    for (const [name, bytes] of Object.entries(malformed)) {
      const answer = await exchange(port, Buffer.from(bytes, 'latin1'))
      if (!answer) continue
      expect(answer.status, name).toBeGreaterThanOrEqual(400)
      expect(answer.status, name).toBeLessThan(500)
      // A missing Host and an unknown Expect are answered by Node itself, without a body.
      if (answer.body !== '') expectFailureForm(answer, name)
    }
  })

  test('afterwards it is as healthy as before, and its books are right', { timeout: 60_000 }, async () => {
    await eventually(5_000, async () => expect((await call(base, 'GET', '/health')).status).toBe(200))
    for (const process of Object.values(shop.processes)) {
      expect(process.child.exitCode).toBeNull()
      expect(process.stdout() + process.stderr(), 'nothing was logged as an error').not.toMatch(
        /"level":(50|60)|"level":"(error|fatal)"/,
      )
    }
    const { postgresUrl } = shop
    expect(await rowsOf(postgresUrl, 'orders', 'SELECT id, stock FROM products WHERE stock < 0')).toEqual([])
    expect(
      await rowsOf(
        postgresUrl,
        'orders',
        `SELECT number, total_cents FROM orders o
          WHERE total_cents <= 0
             OR total_cents <> (SELECT sum(quantity * price_cents) FROM order_items i WHERE i.order_id = o.id)`,
      ),
    ).toEqual([])
    const stocks = await rowsOf<{ sum: string }>(
      postgresUrl,
      'orders',
      `SELECT p.stock + coalesce((SELECT sum(i.quantity) FROM order_items i JOIN orders o ON o.id = i.order_id
                                   WHERE i.product_id = p.id AND o.status <> 'cancelled'), 0) AS sum
         FROM products p`,
    )
    expect(stocks.map(({ sum }) => Number(sum))).toEqual([3000, 3000, 3000, 3000, 3000])
    const [admins] = await rowsOf<{ count: string }>(
      postgresUrl,
      'identity',
      "SELECT count(*) FROM memberships WHERE administrator AND realm = 'shop'",
    )
    expect(Number(admins?.count), 'nobody made himself an administrator').toBe(1)
  })
})

function expectInContract(request: GeneratedRequest, answer: RawAnswer | undefined) {
  const { route, method, target } = request
  const what = `${method} ${target.slice(0, 200)}`
  // These are all whole requests, so each has an answer.
  if (!answer) throw new Error(`${what} was not answered`)
  const { status, body } = answer
  const said = `${what} answered ${status} ${body.slice(0, 300)}`
  expect(status, said).toBeLessThan(500)
  if (method === 'HEAD') return
  if (!route) {
    if (formless.test(target) || status === 204) return
    expect(edgeStatuses.concat(200, 201, 409), said).toContain(status)
    if (status >= 400) expectFailureForm(answer, what)
    return
  }
  // A path can hit another route than the one it was made for, such as /users/profile.
  expect([...Object.keys(route.replies).map(Number), ...edgeStatuses], said).toContain(status)
  // Pages answer people, also when they refuse.
  const page = target.startsWith('/account/') && answer.headers['content-type'] === 'text/html; charset=utf-8'
  if (page) return expectNothingOfTheInside(body)
  if (status >= 400) return expectFailureForm(answer, what)
  const json: unknown = JSON.parse(body)
  const shapes = contract.routes
    .filter((other) => other.method === method)
    .flatMap(({ replies }) => replies[status] ?? [])
  expect(
    shapes.some((shape) => Value.Check(shape, json)),
    said,
  ).toBe(true)
}

function expectFailureForm({ status, headers, body }: RawAnswer, what: string) {
  const said = `${what} answered ${status} ${body.slice(0, 300)}`
  expect(headers['content-type'], said).toBe('application/json; charset=utf-8')
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    throw new Error(`${said}, which is no JSON`)
  }
  expect(json, said).toEqual({
    success: false,
    error: { code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) },
  })
  expectNothingOfTheInside(body)
}

const line = 'GET /products HTTP/1.1\r\n'
const end = 'Connection: close\r\n\r\n'
const post = 'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'

/** Bytes that no HTTP client sends. */
const malformed: Readonly<Record<string, string>> = {
  'no HTTP at all': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
  'a bad request line': 'GET\r\n\r\n',
  'an unknown version': `GET /products HTTP/9.9\r\nHost: localhost\r\n${end}`,
  'an unknown method': `G@T /products HTTP/1.1\r\nHost: localhost\r\n${end}`,
  'a blank in the target': `GET /pro ducts HTTP/1.1\r\nHost: localhost\r\n${end}`,
  'no host': `${line}${end}`,
  'two hosts that differ are not trusted, or ignored': `${line}Host: a\r\nHost : b\r\n${end}`,
  'a header without a colon': `${line}Host: localhost\r\nnonsense\r\n${end}`,
  'a header name with a blank': `${line}Host: localhost\r\nX Y: z\r\n${end}`,
  'NUL in a header': `${line}Host: localhost\r\nX-Y: a\0b\r\n${end}`,
  'a folded header': `${line}Host: localhost\r\nX-Y: a\r\n b\x01\r\n${end}`,
  'headers beyond the limit':
    `${line}Host: localhost\r\n${'X-Y: '.padEnd(4_000, 'y')}\r\n`.padEnd(80_000, 'X-Z: zzzzzzz\r\n') + end,
  'a target beyond the limit': `GET /${'x'.repeat(80_000)} HTTP/1.1\r\nHost: localhost\r\n${end}`,
  'a length that is none': `${post}Content-Length: ten\r\n\r\n{}`,
  'a negative length': `${post}Content-Length: -5\r\n\r\n{}`,
  'two lengths': `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
  'a length and chunks': `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks that are none': `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
  'a chunk longer than it says': `${post}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`,
  'an unknown coding': `${post}Transfer-Encoding: rot13\r\n\r\n{}`,
  'an expectation nobody has': `${post}Expect: a-miracle\r\nContent-Length: 2\r\n\r\n{}`,
  'a tunnel': `CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n${end}`,
}

test('who sends a request drop by drop is cut off in bounded time', async () => {
  const app = await createApp({
    log: silentLogger(),
    describe: () => ({}),
    trustedProxies: [],
    rewriteUrl: ({ url = '' }) => url,
    allowsOrigin: () => 'no',
    exposedHeaders: [],
    instanceHeader: undefined,
    onError: () => undefined,
    rawFailure: () => ({}),
  })
  const { headersTimeout, requestTimeout } = app.server
  await app.close()
  expect(headersTimeout).toBeGreaterThan(0)
  expect(headersTimeout).toBeLessThanOrEqual(requestTimeout)
  expect(requestTimeout).toBeLessThanOrEqual(60_000)
})
