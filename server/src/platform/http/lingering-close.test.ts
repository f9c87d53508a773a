import { type AddressInfo, connect } from 'node:net'
import fastify from 'fastify'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { closeLingering } from './lingering-close.ts'

const mebibyte = 1_024 ** 2
afterEach(() => void vi.useRealTimers())

/** Tries until it passes, by turns of the event loop: what waits by timers would move the false ones on. */
async function until(attempt: () => unknown): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    await new Promise(setImmediate)
    try {
      return void (await attempt())
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}

/** A listener that wants no body, and a client of it that has sent the head of a request. */
async function answered(head: string) {
  const app = fastify()
  closeLingering(app)
  app.addHook('onRequest', async (_request, reply) => reply.code(401).send('no'))
  app.post('/', async () => 'never')
  await app.listen({ port: 0, host: '127.0.0.1' })
  // Only ours: what Node and the test wait by goes on.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const socket = connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const seen = { text: '', ended: false, closed: false, sent: 0 }
  socket.setEncoding('utf8').on('data', (text: string) => {
    seen.text += text
  })
  socket.on('end', () => {
    seen.ended = true
  })
  socket
    .on('error', () => undefined)
    .on('close', () => {
      seen.closed = true
    })
  onTestFinished(async () => {
    vi.useRealTimers()
    socket.destroy()
    await app.close()
  })
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`)
  await until(() => expect(seen.text).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\n\r\nno$/))
  return { app, socket, seen, connections: () => new Promise((done) => app.server.getConnections((_, n) => done(n))) }
}

test('an answer ahead of a long body comes at once, ends our half, and the rest of the body is read', async () => {
  const { socket, seen } = await answered(`Content-Length: ${20 * mebibyte}`)
  expect(seen.text.toLowerCase()).toContain('connection: close')
  await until(() => expect(seen.ended).toBe(true))
  let written = false
  socket.write(Buffer.alloc(20 * mebibyte), () => {
    written = true
  })
  await until(() => expect(written).toBe(true))
  // The server closes as soon as it has all of it, and not with a reset.
  socket.end()
  await until(() => expect(seen.closed).toBe(true))
  expect(socket.errored).toBeNull()
})

test('a client that sends nothing more is waited for, for ten seconds', async () => {
  const { connections, seen } = await answered('Transfer-Encoding: chunked')
  await until(() => expect(seen.ended).toBe(true))
  vi.advanceTimersByTime(9_999)
  await new Promise(setImmediate)
  expect(await connections()).toBe(1)
  vi.advanceTimersByTime(1)
  await until(async () => expect(await connections()).toBe(0))
})

test('of a body without an end 32 MiB are read, then the client has a second to see the answer', async () => {
  const { socket, connections } = await answered(`Content-Length: ${1_024 * mebibyte}`)
  const piece = Buffer.alloc(mebibyte)
  let sent = 0
  const pump = () => {
    sent += piece.length
    socket.write(piece, (error) => error || pump())
  }
  pump()
  await until(() => expect(sent).toBeGreaterThan(32 * mebibyte))
  // It reads no further: what the buffers of both sides take is all.
  await until(async () => {
    const before = sent
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
    expect(sent).toBe(before)
  })
  expect(sent).toBeLessThan(64 * mebibyte)
  expect(await connections()).toBe(1)
  vi.advanceTimersByTime(1_000)
  await until(async () => expect(await connections()).toBe(0))
})

test('a short body is no reason to end the connection', async () => {
  const { socket, seen } = await answered('Content-Length: 60000')
  expect(seen.text.toLowerCase()).not.toContain('connection: close')
  socket.write(Buffer.alloc(60_000, 'x'))
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
  await until(() => expect(seen.text.match(/HTTP\/1\.1 401 /g)).toHaveLength(2))
})
