import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { DomainError, refuseAtEdge } from '../errors.ts'
import { answerInternalFailure, internalClient } from './internal-client.ts'

const token = 't'.repeat(32)

/** Another process that answers so, and a client of it. */
async function served(answer: RequestListener, deadlineMs = 5_000) {
  const heard: IncomingMessage[] = []
  const server = createServer((request, response) => {
    heard.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = internalClient({ url, token, deadlineMs })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await client.close()
  })
  return { client, heard, url }
}

const answering = (status: number, text: string, headers: Record<string, string> = {}) =>
  served((_request, response) => void response.writeHead(status, headers).end(text))

const errorCodeOf = async (call: Promise<unknown>) => {
  const thrown = await call.then(
    () => 'no refusal',
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(DomainError)
  const { code, details, cause } = thrown as DomainError
  return { code, details, cause: String((cause as Error | undefined)?.message ?? '') }
}

test.each([
  ['GET', '/a/path?with=a%20query', undefined, ''],
  [
    'POST',
    '/a/path',
    { text: 'Łódź', nothing: null, list: [1, 'two'] },
    '{"text":"Łódź","nothing":null,"list":[1,"two"]}',
  ],
  ['POST', '/a/path', undefined, ''],
] as const)('%s %s carries the token and the body %j', async (method, path, body, sent) => {
  let received = ''
  const { client, heard } = await served(async (request, response) => {
    for await (const chunk of request.setEncoding('utf8')) received += chunk
    response.end('{"answer":[null,"é"]}')
  })
  expect(await client.call(method, path, { body })).toEqual({ answer: [null, 'é'] })
  const [{ method: asked, url, headers }] = heard as [IncomingMessage]
  expect({ asked, url, received }).toEqual({ asked: method, url: path, received: sent })
  expect(headers).toMatchObject({ 'x-internal-token': token, 'content-type': 'application/json' })
})

test.each([
  [200, 'null', null],
  [201, '"text"', 'text'],
  [204, '', undefined],
])('%i %j is an answer', async (status, text, value) => {
  const { client } = await answering(status, text)
  expect(await client.call('GET', '/')).toBe(value)
})

test.each([400, 404, 422, 500, 503])(
  'a refusal with %i is thrown again, by code and with its details',
  async (status) => {
    const { client } = await answering(status, '{"code":"orders.of_a_test","details":{"field":"name","list":[1]}}')
    const domainError = await errorCodeOf(client.call('POST', '/'))
    expect(domainError).toEqual({ code: 'orders.of_a_test', details: { field: 'name', list: [1] }, cause: '' })
  },
)

test.each([
  ['another error', 500, '{"error":"elsewhere"}', '/asked answered 500'],
  ['a code without details', 422, '{"code":"x"}', '/asked answered 422'],
  ['details without a code', 422, '{"details":{}}', '/asked answered 422'],
  ['a code that is no text', 422, '{"code":1,"details":{}}', '/asked answered 422'],
  ['nothing', 404, 'null', '/asked answered 404'],
  ['another place', 302, '{}', '/asked answered 302'],
  ['a page', 200, '<html>', 'not JSON'],
  ['half an answer', 200, '{"code":', 'not JSON'],
])('%s is no answer of a process of ours', async (_, status, text, cause) => {
  const { client, heard } = await answering(status, text, { location: '/elsewhere' })
  const domainError = await errorCodeOf(client.call('GET', '/asked'))
  expect(domainError).toMatchObject({ code: 'edge.unavailable', cause: expect.stringContaining(cause) })
  expect(heard).toHaveLength(1)
})

test('a token that the other process refuses is named, whatever it answers beside', async () => {
  for (const status of [200, 404]) {
    const { client, url } = await answering(status, '{"code":"x","details":{}}', { 'x-internal-refused': 'token' })
    expect(await errorCodeOf(client.call('GET', '/'))).toEqual({
      code: 'edge.unavailable',
      details: { upstream: url },
      cause: expect.stringContaining('INTERNAL_SERVICE_TOKEN'),
    })
  }
})

test('an answer of 8 MiB is read, and one above it is not waited for', async () => {
  const most = 8 * 1024 * 1024
  const text = JSON.stringify('x'.repeat(most - 2))
  expect(await (await answering(200, text)).client.call('GET', '/')).toHaveLength(most - 2)
  const { client } = await served((_request, response) => {
    response.writeHead(200, { 'content-length': most + 1 }).write('"')
  })
  expect(await errorCodeOf(client.call('GET', '/'))).toMatchObject({
    code: 'edge.unavailable',
    cause: expect.stringMatching(/too large/),
  })
})

test.each<[string, RequestListener]>([
  ['nothing', () => undefined],
  ['the head alone', (_request, response) => response.writeHead(200).flushHeaders()],
  ['a part', (_request, response) => response.writeHead(200).write('{"a":')],
])('%s within the deadline is no answer', async (_, answer) => {
  const { client, url, heard } = await served(answer, 60)
  const domainError = await errorCodeOf(client.call('GET', '/'))
  expect(domainError).toMatchObject({
    code: 'edge.unavailable',
    details: { upstream: url },
    cause: expect.stringMatching(/timeout/i),
  })
  expect(heard).toHaveLength(1)
})

test('a call has a deadline of its own, shorter or longer than that of others', async () => {
  const short = await served(() => undefined, 60_000)
  expect(await errorCodeOf(short.client.call('GET', '/', { deadlineMs: 60 }))).toMatchObject({
    cause: expect.stringMatching(/timeout/i),
  })
  const late = Promise.withResolvers<void>()
  const long = await served((_request, response) => void late.promise.then(() => response.end('1')), 40)
  const answer = long.client.call('GET', '/', { deadlineMs: 60_000 })
  await errorCodeOf(long.client.call('GET', '/'))
  late.resolve()
  expect(await answer).toBe(1)
})

test('a call that is given up ends, at both ends', async () => {
  const closed = Promise.withResolvers<void>()
  const leaving = new AbortController()
  const { client } = await served((request) => {
    request.socket.once('close', () => closed.resolve())
    leaving.abort(new Error('of no interest any more'))
  })
  const domainError = await errorCodeOf(client.call('GET', '/', { signal: leaving.signal }))
  expect(domainError).toMatchObject({ code: 'edge.unavailable', cause: 'of no interest any more' })
  await closed.promise
})

test.each(['GET', 'POST'] as const)('a %s whose connection breaks off is not sent twice', async (method) => {
  const { client, heard, url } = await served(({ socket }) => void socket.destroy())
  expect(await errorCodeOf(client.call(method, '/'))).toMatchObject({
    code: 'edge.unavailable',
    details: { upstream: url },
  })
  expect(heard).toHaveLength(1)
})

test('nobody there is refused at once', async () => {
  const url = 'http://127.0.0.1:1'
  const client = internalClient({ url, token, deadlineMs: 60_000 })
  onTestFinished(() => client.close())
  expect(await errorCodeOf(client.call('GET', '/'))).toMatchObject({
    code: 'edge.unavailable',
    details: { upstream: url },
  })
})

test.each([
  [
    'a refusal',
    new DomainError('orders.of_a_test', { number: 1 }),
    422,
    { code: 'orders.of_a_test', details: { number: 1 } },
  ],
  ['an outage', refuseAtEdge('edge.unavailable', { a: 1 }), 503, { code: 'edge.unavailable', details: { a: 1 } }],
  ['what breaks', new Error('a secret'), 500, { code: 'edge.internal', details: {} }],
  [
    'what does not fit',
    Object.assign(new Error('a secret'), { statusCode: 415 }),
    415,
    { code: 'edge.bad_request', details: {} },
  ],
  [
    'a status of its own',
    Object.assign(new Error('a secret'), { statusCode: 507 }),
    500,
    { code: 'edge.internal', details: {} },
  ],
])('%s is answered so that a client can tell it', async (_, thrown, status, body) => {
  const app = fastify()
  app.setErrorHandler(answerInternalFailure)
  app.get('/', () => Promise.reject(thrown))
  const answer = await app.inject('/')
  expect([answer.statusCode, answer.json()]).toEqual([status, body])
})

test('a caller’s own signal takes the deadline from no call', async () => {
  const { client } = await served(() => undefined)
  const calling = new AbortController()
  const began = performance.now()
  const call = client.call('POST', '/poll', { body: {}, deadlineMs: 100, signal: calling.signal })
  expect((await errorCodeOf(call)).code).toBe('edge.unavailable')
  expect(performance.now() - began).toBeLessThan(4_000)
})
