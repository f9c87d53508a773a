import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DomainError } from '../platform/errors.ts'
import { watchBody } from './edge/incoming-body.ts'
import { openUpstream, type Upstream } from './upstream.ts'

const token = 't'.repeat(32)
const patientMs = 20_000
const within = { timeout: 10_000 }
type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

interface Forwarding {
  app: FastifyInstance
  url: string
  upstream: Upstream
  /** What was thrown to the gateway's clients. */
  domainErrors: unknown[]
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A gateway before the process at `url`. Below `/stream` it leaves bodies unread. */
async function gatewayTo(url: string, deadlineMs = patientMs): Promise<Forwarding> {
  const upstream = openUpstream({ url, token, deadlineMs })
  const domainErrors: unknown[] = []
  const app = fastify({ forceCloseConnections: true })
  app.setErrorHandler((error, _request, reply) => {
    domainErrors.push(error)
    return reply.code(599).send({ code: error instanceof DomainError ? error.code : 'none' })
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, bytes: string | Buffer) => bytes)
  const headers = { 'x-forwarded-for': '192.0.2.1', 'x-user-id': 'u' }
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', vary: 'Origin', 'content-security-policy': 'of the gateway' })
  })
  app.all('/*', (sent, reply) => upstream.forward(sent, reply, { path: `/inside${sent.url}`, headers }))
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    scope.post('/stream', (sent, reply) => {
      const limits = { maxBytes: 1_000_000, idleMs: patientMs, totalMs: patientMs }
      const body = watchBody(sent.raw, limits, 'profiles.upload_too_large')
      return upstream.forward(sent, reply, { path: '/streamed', headers, body }).finally(body.stop)
    })
  })
  const listened = await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await app.close()
    await upstream.close().catch(() => undefined)
  })
  return { app, url: listened, upstream, domainErrors }
}

/** A gateway before a service that answers so; `heard` are the requests that came there. */
async function forwarding(answer: Answer, deadlineMs = patientMs) {
  const heard: { request: IncomingMessage; body: Promise<string> }[] = []
  const server = createServer((sent, response) => {
    const pieces: Buffer[] = []
    const body = once(
      sent.on('data', (piece) => pieces.push(piece)),
      'end',
    ).then(() => String(Buffer.concat(pieces)))
    body.catch(() => undefined)
    heard.push({ request: sent, body })
    answer(sent, response)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { heard, ...(await gatewayTo(await listening(server), deadlineMs)) }
}

/** A gateway before whatever treats the connections on which it has asked something so. */
async function forwardingRaw(treat: (socket: Socket) => unknown, deadlineMs = patientMs) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    onTestFinished(() => void socket.destroy())
    socket.once('data', () => treat(socket))
  })
  onTestFinished(() => void server.close())
  return gatewayTo(await listening(server), deadlineMs)
}

/** One request with its headers as they are, and the answer with repeated headers apart. */
async function send(url: string, options: { method?: string; headers?: OutgoingHttpHeaders; body?: string } = {}) {
  const sent = request(url, { agent: false, ...options })
  sent.end(options.body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece
  return { status: answer.statusCode, headers: answer.headers, text }
}

const ok: Answer = (_request, response) => response.end('ok')

describe('of a request', () => {
  const kept = {
    accept: 'text/a',
    'accept-encoding': 'br',
    'accept-language': 'fr, en',
    authorization: 'Bearer b',
    'content-type': 'text/b',
    cookie: 'a=1; b=2',
    'idempotency-key': 'a key',
    'if-none-match': '"a", "b"',
    traceparent: '00-a-b-01',
    'user-agent': 'an agent',
  }
  const dropped = {
    forwarded: 'for=203.0.113.9',
    via: '1.1 elsewhere',
    'x-real-ip': '203.0.113.9',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-prefix': '/evil',
    'x-original-url': '/admin',
    'x-user-role': 'admin',
    'x-user-name': 'admin',
    'x-internal-refused': 'token',
    'x-internal-anything': 'yes',
    'proxy-authorization': 'Basic a',
    'proxy-connection': 'close',
    'keep-alive': 'timeout=1',
    te: 'trailers',
    upgrade: 'websocket',
    origin: 'https://evil.example',
    referer: 'https://evil.example/',
    range: 'bytes=0-1',
    'x-anything-else': 'yes',
  }
  // In the place of what the client says under these names stands the gateway's own.
  const replaced = { 'x-forwarded-for': '203.0.113.9', 'x-user-id': 'admin', 'x-internal-token': 'x'.repeat(32) }

  test('exactly the headers that concern the service reach it, and the gateway’s own', async () => {
    const { heard, url, upstream } = await forwarding(ok)
    const headers = { ...kept, ...dropped, ...replaced, 'x-request-id': 'from outside' }
    expect(await send(`${url}/a%20path?q=1&q=2`, { method: 'POST', headers, body: 'a body' })).toMatchObject({
      status: 200,
      text: 'ok',
    })
    const [{ request: sent, body }] = heard as [(typeof heard)[number]]
    expect(sent.headers).toEqual({
      ...kept,
      'x-forwarded-for': '192.0.2.1',
      'x-user-id': 'u',
      'x-internal-token': token,
      'x-request-id': expect.stringMatching(/^req-\w+$/),
      host: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      connection: 'keep-alive',
      'content-length': '6',
    })
    expect([sent.method, sent.url, await body]).toEqual(['POST', '/inside/a%20path?q=1&q=2', 'a body'])
    expect(upstream.inFlight()).toBe(0)
  })

  test('headers that come twice arrive as one, and none of the dropped among them', async () => {
    const { heard, url } = await forwarding(ok)
    const headers = { accept: ['a/a', 'b/b'], cookie: ['a=1', 'b=2'], 'x-forwarded-for': ['1.1.1.1', '2.2.2.2'] }
    await send(url, { headers })
    expect(heard[0]?.request.headers).toMatchObject({
      accept: 'a/a, b/b',
      cookie: 'a=1; b=2',
      'x-forwarded-for': '192.0.2.1',
    })
  })

  test.each(['GET', 'HEAD', 'DELETE', 'PUT', 'PATCH'])('%s arrives as it is', async (method) => {
    const { heard, url } = await forwarding(ok)
    await send(url, { method })
    expect(heard[0]?.request).toMatchObject({ method, url: '/inside/' })
  })
})

describe('of an answer', () => {
  test('status, body and headers come back, above them what the gateway says itself', async () => {
    const { url } = await forwarding((_request, response) => {
      response.writeHead(418, {
        'content-type': 'image/x',
        etag: '"e"',
        'set-cookie': ['a=1; Path=/', 'b=2'],
        vary: 'Accept-Encoding',
        'content-security-policy': 'of the service',
        'x-content-type-options': 'of the service',
        'x-request-id': 'of the service',
        date: 'of the service',
        trailer: 'x',
        'keep-alive': 'timeout=999',
      })
      response.end('a body')
    })
    const { status, headers, text } = await send(url)
    expect({ status, text }).toEqual({ status: 418, text: 'a body' })
    expect(headers).toEqual({
      'content-type': 'image/x',
      etag: '"e"',
      'set-cookie': ['a=1; Path=/', 'b=2'],
      vary: 'Accept-Encoding, Origin',
      // Of one answer the service knows more.
      'content-security-policy': 'of the service',
      'x-content-type-options': 'nosniff',
      date: expect.not.stringContaining('of the service'),
      connection: 'close',
      'transfer-encoding': 'chunked',
    })
  })

  test.each([204, 304])('%i comes back without a body', async (status) => {
    const { url } = await forwarding((_request, response) => response.writeHead(status).end())
    expect(await send(url)).toMatchObject({ status, text: '' })
  })

  test('its pieces are sent on as they come', async () => {
    const rest = Promise.withResolvers<void>()
    const { url } = await forwarding(async (_request, response) => {
      response.write('one')
      await rest.promise
      response.end('two')
    })
    const { body } = await fetch(url)
    const reader = body!.getReader()
    expect(String(Buffer.from((await reader.read()).value!))).toBe('one')
    rest.resolve()
    expect(String(Buffer.from((await reader.read()).value!))).toBe('two')
    expect((await reader.read()).done).toBe(true)
  })
})

describe('what fails', () => {
  const head = 'HTTP/1.1 200 OK\r\n'
  test.each<[string, string, Parameters<typeof forwardingRaw>[0]]>([
    ['edge.timeout', 'no answer at all', () => undefined],
    ['edge.timeout', 'half a head', (socket) => socket.write(head)],
    ['edge.bad_gateway', 'no HTTP', (socket) => socket.write('this is no HTTP\r\n\r\n')],
    ['edge.bad_gateway', 'a head without an end', (socket) => socket.write(`${head}x: ${'x'.repeat(100_000)}`)],
    ['edge.bad_gateway', 'a connection that ends', (socket) => socket.end()],
    ['edge.bad_gateway', 'a connection that breaks', (socket) => socket.resetAndDestroy()],
  ])('is %s for %s', async (code, _, treat) => {
    const { url, upstream, domainErrors } = await forwardingRaw(treat, code === 'edge.timeout' ? 60 : patientMs)
    const answer = await send(url, { method: 'POST', body: 'x' })
    expect([answer.status, JSON.parse(answer.text)]).toEqual([599, { code }])
    expect(domainErrors).toMatchObject([{ details: { upstream: expect.stringContaining('http://127.0.0.1:') } }])
    expect(upstream.inFlight()).toBe(0)
  })

  test('is edge.unavailable where nobody listens', async () => {
    const { url, upstream } = await gatewayTo('http://127.0.0.1:1')
    expect(JSON.parse((await send(url)).text)).toEqual({ code: 'edge.unavailable' })
    expect(upstream.inFlight()).toBe(0)
  })

  test('is edge.unavailable where our token is refused, and nothing of that answer is passed on', async () => {
    const { url, domainErrors, heard } = await forwarding((_request, response) => {
      response.writeHead(404, { 'x-internal-refused': 'token' }).end('nothing here')
    })
    expect(JSON.parse((await send(url)).text)).toEqual({ code: 'edge.unavailable' })
    expect(String((domainErrors[0] as DomainError).cause)).toContain('INTERNAL_SERVICE_TOKEN')
    expect(heard).toHaveLength(1)
  })

  test.each<[string, Answer]>([
    ['breaks off', (_request, response) => response.write('part', () => response.destroy())],
    ['stalls', (_request, response) => response.write('part')],
  ])('an answer that %s is not taken for a whole one', async (_, answer) => {
    const { url, upstream } = await forwarding(answer, 60)
    await expect(send(url)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect.poll(upstream.inFlight, within).toBe(0)
  })

  test.each([
    ['GET', 2, 200],
    ['POST', 1, 599],
    ['DELETE', 1, 599],
    ['HEAD', 1, 599],
  ])('a %s on a connection that was just closed is sent %i times', async (method, times, status) => {
    const seen = new WeakSet<Socket>()
    const { url, heard } = await forwarding(({ socket }, response) => {
      // The second request on it finds it closed.
      if (seen.has(socket)) socket.destroy()
      else response.end('ok')
      seen.add(socket)
    })
    await send(url)
    expect((await send(url, { method })).status).toBe(status)
    expect(heard).toHaveLength(1 + times)
  })

  test('a GET is sent twice at most', async () => {
    const { url, heard } = await forwarding(({ socket }) => socket.destroy())
    expect(JSON.parse((await send(url)).text)).toEqual({ code: 'edge.bad_gateway' })
    expect(heard).toHaveLength(2)
  })

  test('of more than 512 requests under way the next one is refused at once', async () => {
    const waiting: ServerResponse[] = []
    let open = false
    const { app, upstream, heard } = await forwarding((_request, response) =>
      open ? response.end('ok') : waiting.push(response),
    )
    const all = Array.from({ length: 512 }, () => app.inject('/'))
    await expect.poll(() => heard.length, within).toBe(128)
    expect(upstream.inFlight()).toBe(512)
    expect((await app.inject('/')).json()).toEqual({ code: 'edge.unavailable' })
    open = true
    for (const response of waiting) response.end('ok')
    expect(new Set((await Promise.all(all)).map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
    expect(upstream.inFlight()).toBe(0)
    expect((await app.inject('/')).statusCode).toBe(200)
  })
})

describe('a client', () => {
  test('that goes away takes its request with it, before the answer and in it', async () => {
    for (const part of [undefined, 'a part']) {
      const ended = Promise.withResolvers<void>()
      const leaving = new AbortController()
      const { url, upstream } = await forwarding((sent, response) => {
        sent.socket.once('close', () => ended.resolve())
        if (part === undefined) leaving.abort()
        else response.write(part)
      })
      const answer = fetch(url, { signal: leaving.signal }).catch(() => 'left')
      if (part !== undefined) await answer.then(() => leaving.abort())
      await ended.promise
      await answer
      await expect.poll(upstream.inFlight, within).toBe(0)
    }
  })

  const floodBytes = 64 * 1_024 ** 2
  /** A service that writes as long as somebody takes it, and a client that has asked and reads nothing. */
  async function flood(deadlineMs: number) {
    const state = { written: 0, ended: false }
    const { url, upstream } = await forwarding((sent, response) => {
      sent.socket.once('close', () => {
        state.ended = true
      })
      const piece = Buffer.alloc(65_536)
      const write = () => {
        for (let taken = true; taken && !state.ended && state.written < floodBytes; state.written += piece.length) {
          taken = response.write(piece)
        }
        if (state.written >= floodBytes) response.end()
      }
      response.on('drain', write)
      write()
    }, deadlineMs)
    const client = connect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void client.destroy())
    client.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    return { state, client, upstream }
  }

  test('that does not read slows the service down, and is cut off after the deadline', async () => {
    const { state, upstream } = await flood(150)
    await expect.poll(() => state.ended, within).toBe(true)
    expect(state.written).toBeLessThan(floodBytes / 2)
    await expect.poll(upstream.inFlight, within).toBe(0)
  })

  test('that was slow once and reads again is not cut off later', async () => {
    const deadlineMs = 1_000
    const { promise: reading, resolve: reads } = Promise.withResolvers<void>()
    const { url } = await forwarding(async (_sent, response) => {
      const piece = Buffer.alloc(65_536)
      let sent = 0
      const fill = () => {
        for (let taken = true; taken && sent < floodBytes / 4; sent += piece.length) taken = response.write(piece)
      }
      response.on('drain', fill)
      fill()
      await reading
      await pause(deadlineMs * 0.7)
      response.write('.')
      await pause(deadlineMs * 0.7)
      response.end('the end')
    }, deadlineMs)
    const client = connect(Number(new URL(url).port), '127.0.0.1')
    onTestFinished(() => void client.destroy())
    client.pause().write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await pause(deadlineMs * 0.3)
    let end = ''
    client.setEncoding('latin1').on('data', (piece) => {
      end = (end + piece).slice(-100)
    })
    client.resume()
    reads()
    await expect.poll(() => end, within).toContain('the end')
  })

  test('that reads again in time gets all of it', async () => {
    const { state, client } = await flood(patientMs)
    // Everything on the way is full by now.
    let before = 0
    const settled = () => {
      const now = state.written
      const same = now > 0 && now === before
      before = now
      return same
    }
    await expect.poll(settled, { interval: 100, ...within }).toBe(true)
    expect(state.written).toBeLessThan(floodBytes / 2)
    let bytes = 0
    client.on('data', (piece) => {
      bytes += piece.length
    })
    client.resume()
    await expect.poll(() => bytes, within).toBeGreaterThan(floodBytes)
  })
})

describe('a body that nobody has read yet', () => {
  const begin = (url: string, length: number) => {
    const sent = request(`${url}/stream`, { method: 'POST', headers: { 'content-length': length }, agent: false })
    sent.on('error', () => undefined)
    onTestFinished(() => void sent.destroy())
    return { sent, answer: once(sent, 'response') as Promise<[IncomingMessage]> }
  }

  test('is sent on as it comes, and the deadline begins when all of it is', async () => {
    const first = Promise.withResolvers<void>()
    const { url, heard } = await forwarding((sent, response) => {
      sent.once('data', () => first.resolve())
      sent.once('end', () => response.end('ok'))
    }, 60)
    const { sent, answer } = begin(url, 10)
    sent.write('first')
    await first.promise
    // More than the deadline passes, and no test needs less: the service waits for the body and not the other way round.
    await new Promise((resolve) => setTimeout(resolve, 120))
    sent.end('later')
    expect((await answer)[0].statusCode).toBe(200)
    expect(heard[0]?.request).toMatchObject({ url: '/streamed', headers: { 'content-length': '10' } })
    expect(await heard[0]?.body).toBe('firstlater')
  })

  test('after which nothing is answered is edge.timeout', async () => {
    const { url } = await forwarding(() => undefined, 60)
    const { sent, answer } = begin(url, 2)
    sent.end('ab')
    expect((await answer)[0].statusCode).toBe(599)
  })

  test('that is refused before its end: the answer comes at once, and says that the connection ends with it', async () => {
    const { url } = await forwarding((_request, response) => response.writeHead(413).end('too large'))
    const { sent, answer } = begin(url, 500_000)
    sent.write('a part')
    const [{ statusCode, headers }] = await answer
    expect([statusCode, headers.connection]).toEqual([413, 'close'])
  })

  test('that is too large is refused with the reason of its watch, and the service hears no end of it', async () => {
    const cut = Promise.withResolvers<void>()
    const { url, domainErrors } = await forwarding((sent) => sent.once('close', () => cut.resolve()))
    const { sent, answer } = begin(url, 1_200_000)
    sent.end('x'.repeat(1_200_000))
    expect((await answer)[0].statusCode).toBe(599)
    expect(domainErrors).toMatchObject([{ code: 'profiles.upload_too_large' }])
    await cut.promise
  })
})

test('nothing has to be closed that was never used, and what is closed forwards no more', async () => {
  await openUpstream({ url: 'http://127.0.0.1:1', token, deadlineMs: 1 }).close()
  const { url, upstream, heard } = await forwarding(ok)
  await send(url)
  await upstream.close()
  expect(JSON.parse((await send(url)).text)).toEqual({ code: 'edge.unavailable' })
  expect(heard).toHaveLength(1)
})
