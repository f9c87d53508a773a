import { createHmac } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listenerOptions, mounted, plainContract } from '../../../tests/support/listeners.ts'
import { type Route, type RouteInput, route } from '../../contracts/_kit/contract.ts'
import { memoize } from '../../contracts/_kit/memoize.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'

type Definition = Parameters<typeof route>[3] & Pick<Route, 'service' | 'method' | 'url'>
type Heard = RouteInput<unknown, unknown, unknown>

/** A route for somebody signed in that answers 200 with whatever, and differs so. */
const making = (more: Partial<Definition> & { answer?: unknown } = {}) => {
  const heard: Heard[] = []
  const { service = 'orders', method = 'POST', url = '/things', ...others } = more
  const { answer = { status: 200, body: { plain: 1 } }, ...rest } = others
  const made = route(service, method, url, {
    summary: 'Make a thing',
    access: 'person',
    replies: { 200: Type.Object({ plain: Type.Integer() }), 201: Type.Any() },
    handler: async (_service: unknown, input: unknown) => {
      heard.push(input as Heard)
      return answer as never
    },
    ...rest,
  } as Definition)
  return { made, heard }
}

async function serving(made: Route) {
  const contract = plainContract([made])
  const app = await mounted(contract, {
    verifierOf: () => ({
      verify: async () => ({ uid: 'ada' }) as unknown as AccessClaims,
      verifySeen: () => undefined,
    }),
  })
  onTestFinished(() => app.close())
  return (options: InjectOptions = {}) =>
    app.inject({
      method: made.method,
      url: made.url,
      ...options,
      headers: { authorization: 'Bearer t', ...options.headers },
    })
}

/** One request to a route of its own; `json` where the answer is. */
async function exchange(more: Parameters<typeof making>[0], options: InjectOptions = {}) {
  const { made, heard } = making(more)
  const answer = await (await serving(made))(options)
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, bytes: answer.rawPayload, heard }
}

describe('an answer', () => {
  test('has the declared status, shape and its own headers', async () => {
    const answer = {
      status: 200,
      body: { plain: 2, secret: 'not declared' },
      headers: { 'x-own': 'yes', 'set-cookie': ['a=1', 'b=2'] },
    }
    const { status, headers, text } = await exchange({ answer })
    expect([status, JSON.parse(text)]).toEqual([200, { plain: 2 }])
    expect(headers).toMatchObject({ 'x-own': 'yes', 'set-cookie': ['a=1', 'b=2'] })
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
  })

  test.each([202, 204, 400, 500])('with the undeclared status %i is a fault of ours', async (status) => {
    const answered = await exchange({ answer: { status, body: { secret: 1 } } })
    expect([answered.status, JSON.parse(answered.text)]).toEqual([500, { code: 'edge.internal', details: {} }])
  })

  test.each<[string, Partial<Definition>, string | undefined]>([
    ['for a person', { access: 'person' }, 'no-store'],
    ['for a service', { access: 'person_or_service' }, 'no-store'],
    ['of identity for all', { access: 'public', service: 'identity' }, 'no-store'],
    ['of another service for all', { access: 'public' }, undefined],
  ])('%s may be kept or not', async (_, more, cacheControl) => {
    expect((await exchange(more)).headers['cache-control']).toBe(cacheControl)
  })

  test('may say itself how long it is kept', async () => {
    const headers = { 'cache-control': 'private, max-age=60' }
    expect((await exchange({ answer: { status: 200, body: { plain: 1 }, headers } })).headers).toMatchObject(headers)
  })

  test.each<[string, Partial<Definition>, number, boolean]>([
    ['that signs in', { signsIn: true }, 200, true],
    ['that makes and signs in', { signsIn: true }, 201, true],
    ['that refuses a sign-in', { signsIn: true, replies: { 401: Type.Any() } }, 401, false],
    ['that goes elsewhere', { signsIn: true, replies: { 303: Type.Any() } }, 303, false],
    ['of any other route', {}, 200, false],
  ])('%s makes the device known or not', async (_, more, status, known) => {
    const { headers, heard } = await exchange({ ...more, answer: { status, body: { plain: 1 } } })
    const { device } = heard[0]!.context
    expect(device).toMatch(more.signsIn ? /^[\w-]{22}$/ : /^$/)
    const cookie = expect.stringMatching(
      new RegExp(`^guichet_device=${device}\\.[\\w-]+; .*HttpOnly; Secure; SameSite=Lax`),
    )
    expect(headers['set-cookie']).toEqual(known ? cookie : undefined)
  })

  test('a known device stays the same', async () => {
    const { devices } = listenerOptions(plainContract([]))
    const device = devices.newDevice()
    const cookie = devices.keep(device).split(';')[0]!
    const { heard, headers } = await exchange({ signsIn: true }, { headers: { cookie } })
    expect(heard[0]?.context.device).toBe(device)
    expect(headers['set-cookie']).toContain(cookie)
  })
})

describe('of bytes', () => {
  const image = { 'content-type': 'image/jpeg' }
  test.each([
    ['bytes', Uint8Array.of(0, 255, 128).subarray(1), Buffer.from([255, 128])],
    ['a buffer', Buffer.from([1, 2]), Buffer.from([1, 2])],
    ['a text', '"{é', Buffer.from('"{é')],
  ])('%s come as they are, under their own type', async (_, body, sent) => {
    const { bytes, headers } = await exchange({
      bytes: true,
      replies: { 200: Type.Any() },
      answer: { status: 200, body, headers: image },
    })
    expect(bytes).toEqual(sent)
    expect(headers['content-type']).toBe('image/jpeg')
  })

  test('an answer without a type of its own is JSON', async () => {
    const { text, headers } = await exchange({ bytes: true })
    expect([text, headers['content-type']]).toEqual(['{"plain":1}', 'application/json; charset=utf-8'])
  })
})

test('a page is HTML that nothing keeps, frames or scripts, and takes a form', async () => {
  const form = Type.Object({ field: Type.String() })
  const { text, headers, heard } = await exchange(
    {
      html: true,
      access: 'public',
      body: form as never,
      replies: { 200: Type.String() },
      answer: { status: 200, body: '<p>"é"' },
    },
    { payload: 'field=a+b%26', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  )
  expect(text).toBe('<p>"é"')
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'content-security-policy': expect.stringMatching(/^default-src 'none';.*frame-ancestors 'none'/),
  })
  expect(heard[0]?.body).toEqual({ field: 'a b&' })
})

test('what is remembered is serialised once, by the schema of its status', async () => {
  let read = 0
  const source = {}
  const present = memoize(() => ({
    get plain() {
      read += 1
      return 7
    },
    secret: 'not declared',
  }))
  const { made } = making({ method: 'GET', access: 'public', answer: { status: 200, body: present(source) } })
  const ask = await serving(made)
  for (const _turn of [1, 2, 3]) {
    const { body, headers } = await ask()
    expect([body, headers['content-type']]).toEqual(['{"plain":7}', 'application/json; charset=utf-8'])
  }
  expect(read).toBe(1)
})

describe('an Idempotency-Key', () => {
  const payload = { b: 1, a: ['é'] }
  const sent = (key: string | undefined, more: Parameters<typeof making>[0] = { idempotent: true }) =>
    exchange(
      { body: Type.Any() as never, ...more },
      { payload, headers: key === undefined ? {} : { 'idempotency-key': key } },
    )

  test('keeps of the body a digest that nobody else can make, and nothing of its passwords', async () => {
    const bodies = [
      { ...payload, password: 'one', nested: { newPassword: 'two' } },
      { ...payload, password: 'three', nested: {} },
      { ...payload, nested: {}, c: 1 },
    ]
    const digests = []
    for (const body of bodies) {
      const options = { payload: body, headers: { 'idempotency-key': 'a key' } }
      const { heard } = await exchange({ body: Type.Any() as never, idempotent: true }, options)
      digests.push(heard[0]?.idempotency?.requestHash.toString('hex'))
    }
    expect(digests[0]).toBe(digests[1])
    expect(digests[0]).not.toBe(digests[2])
  })

  test('is bound to account, contract, route and body', async () => {
    const { heard } = await sent('a key')
    expect(heard[0]?.idempotency).toEqual({
      accountId: 'ada',
      route: 'plain POST /things',
      key: 'a key',
      requestHash: createHmac('sha256', Buffer.alloc(32, 7)).update(JSON.stringify(payload)).digest(),
    })
  })

  test.each(['~', 'x'.repeat(255), 'with inner blanks'])('of %j is taken', async (key) => {
    expect((await sent(key)).heard[0]?.idempotency?.key).toBe(key)
  })

  test.each(['', 'x'.repeat(256), 'é', 'a\tb'])('of %j is refused before anything is done', async (key) => {
    const { status, text, heard } = await sent(key)
    expect([status, JSON.parse(text).code, heard]).toEqual([400, 'edge.bad_request', []])
  })

  test.each<[string, string | undefined, Parameters<typeof making>[0]]>([
    ['not there', undefined, { idempotent: true }],
    ['of a route that knows none', 'a key', {}],
    ['of nobody', 'a key', { idempotent: true, access: 'public' }],
  ])('%s is none', async (_, key, more) => {
    const { status, heard } = await sent(key, more)
    expect([status, heard[0]?.idempotency]).toEqual([200, undefined])
  })
})

describe('a page in the place of an answer', () => {
  const html = 'text/html,application/xhtml+xml,*/*;q=0.8'
  const mozilla = 'Mozilla/5.0 (compatible; scanner)'
  test.each<[string, 'GET' | 'HEAD', Record<string, string>, boolean]>([
    ['a browser', 'GET', { accept: html, 'user-agent': mozilla }, true],
    ['whoever wants HTML', 'GET', { accept: 'TEXT/HTML' }, true],
    ['a scanner that takes anything', 'GET', { accept: '*/*', 'user-agent': mozilla }, true],
    ['a scanner that says nothing', 'GET', { 'user-agent': mozilla }, true],
    ['a script in a browser', 'GET', { accept: 'application/json, */*', 'user-agent': mozilla }, false],
    ['a program', 'GET', { accept: '*/*', 'user-agent': 'curl/8' }, false],
    ['a program that is no browser', 'GET', { 'user-agent': 'not Mozilla/5.0' }, false],
    ['a program that wants JSON', 'GET', { accept: 'application/json' }, false],
    ['nothing said', 'GET', { 'user-agent': '' }, false],
    ['HEAD of a program', 'HEAD', { accept: 'application/json' }, true],
    ['HEAD of a browser', 'HEAD', { accept: html }, true],
  ])('%s', async (_, method, headers, page) => {
    const {
      heard,
      headers: answered,
      text,
    } = await exchange({ method: 'GET', access: 'public', page: ({ url }: { url: string }) => `<p>${url}` } as never, {
      method,
      headers,
    })
    expect(heard).toHaveLength(page ? 0 : 1)
    expect(answered['content-type']).toBe(page ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8')
    expect(answered['content-security-policy']).toContain(page ? "form-action 'self'" : "default-src 'none'")
    if (method === 'GET') expect(text).toBe(page ? '<p>/things' : '{"plain":1}')
  })
})

describe('what a handler is given', () => {
  const parts = {
    method: 'PUT',
    url: '/things/:id',
    params: Type.Object({ id: Type.Integer({ minimum: 1 }) }),
    query: Type.Object({ page: Type.Integer({ default: 5 }) }),
    body: Type.Object({ text: Type.String() }),
  } as never

  test('is checked, and typed where it can only be text', async () => {
    const { heard } = await exchange(parts, { url: '/things/7', payload: { text: '1' } })
    expect(heard[0]).toMatchObject({
      params: { id: 7 },
      query: { page: 5 },
      body: { text: '1' },
      claims: { uid: 'ada' },
      context: { claims: { uid: 'ada' }, service: false, bearer: 't' },
    })
    expect(heard[0]?.secure).toBe(true)
  })

  test.each([
    ['a path', '/things/0', { text: '1' }],
    ['a path of text', '/things/x', { text: '1' }],
    ['a query', '/things/7?page=x', { text: '1' }],
    ['a body', '/things/7', { text: 1 }],
    ['no body', '/things/7', undefined],
  ])('%s that does not fit reaches none', async (_, url, payload) => {
    const { status, heard } = await exchange(parts, { url, ...(payload && { payload }) })
    expect([status, heard]).toEqual([400, []])
  })

  test('headers and cookies by name, of several all', async () => {
    const cookie = 'a=1; b=2; a=3; aa=4'
    const { heard } = await exchange({}, { headers: { cookie, 'x-many': ['one', 'two'] as never, 'x-one': '1' } })
    const { cookies, header } = heard[0]!
    expect([cookies('a'), cookies('c')]).toEqual([['1', '3'], []])
    expect([header('x-many'), header('x-one'), header('x-none')]).toEqual(['one, two', '1', undefined])
  })
})
