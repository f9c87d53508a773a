import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startArrangement } from '../support/arrangements.ts'
import { preparedDataDir } from '../support/prepared-data.ts'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../support/processes.ts'
import { call, demo, eventually, rowsOf, signIn } from './calls.ts'
import { isAlive, postmasterOf, removeDataDir } from './postmaster.ts'

/** From the signal to the end of the process, whatever hangs: the promise of the lifecycle. */
const stopWithinMs = 10_000
/** A password check of about half a second, so that a signal surely meets some on their way. */
const slowHashes = { GUICHET_ARGON2_MEMORY_KIB: '65536', GUICHET_ARGON2_PASSES: '8' }

/** `guichet start` on a folder and port of its own, ended and removed after the test whatever it did. */
async function startAlone(extra: Readonly<Record<string, string>> = {}) {
  const dataDir = await preparedDataDir('guichet-shutdown')
  const [port] = await freePorts(1)
  let running: GuichetProcess | undefined
  onTestFinished(async () => {
    await running?.kill()
    await removeDataDir(dataDir)
  })
  running = await startProcess(['start'], {
    ...testEnvironment,
    ...extra,
    GUICHET_DATA_DIR: dataDir,
    PORT: String(port),
  })
  return { guichet: running, dataDir, port: port!, base: `http://127.0.0.1:${port}` }
}

/** Signals the process and gives its exit code; fails when that takes longer than promised. */
async function end({ child }: GuichetProcess, signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
  const began = performance.now()
  const ended = once(child, 'exit')
  child.kill(signal)
  const [code] = (await ended) as [number | null]
  expect(performance.now() - began).toBeLessThan(stopWithinMs)
  return code
}

/**
 * Logins on their way, each on its own connection; resolves once passwords wait for their turn.
 * @param auth where identity runs, if not there
 */
async function loginsUnderWay(base: string, count: number, auth = base): Promise<Promise<number>[]> {
  const logins = Array.from({ length: count }, async () => {
    const { status } = await call(base, 'POST', '/auth/login', { body: demo })
    return status
  })
  for (const login of logins) login.catch(() => undefined)
  await eventually(5_000, async () => {
    const { text } = await call(auth, 'GET', '/metrics')
    expect(Number(/^guichet_passwords_waiting(?:\{.*\})? (\d+)/m.exec(text)?.[1])).toBeGreaterThan(0)
  })
  return logins
}

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets requests under way finish, then ends with 0',
    {
      timeout: 60_000,
    },
    async (signal) => {
      const { guichet, dataDir, base, port } = await startAlone(slowHashes)
      const postmaster = await postmasterOf(dataDir)
      const slow = await slowReader(base, port, dataDir)
      const logins = await loginsUnderWay(base, 6)
      const ended = end(guichet, signal)
      // Only now does the slow client go on reading.
      const [, status, body] = /^HTTP\/1\.1 (\d+) .*?\r\n\r\n(.*)$/s.exec(await slow.rest()) ?? []
      expect(status).toBe('200')
      expect(JSON.parse(body!).count).toBe(slow.products)
      expect(await Promise.all(logins)).toEqual([200, 200, 200, 200, 200, 200])
      expect(await ended).toBe(0)
      expect(await isAlive(postmaster), 'the server ends with its owner').toBe(false)
      await expect(postmasterOf(dataDir)).rejects.toMatchObject({ code: 'ENOENT' })
      await expect(call(base, 'GET', '/livez')).rejects.toThrow()
    },
  )

  test.each([
    { asked: 'nothing', bytes: '' },
    { asked: 'half a line', bytes: 'GET /products HTT' },
    {
      asked: 'a body that never comes',
      bytes: 'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n',
    },
  ])(
    'a connection that asked $asked does not keep it from stopping in order',
    {
      timeout: 60_000,
    },
    async ({ bytes }) => {
      const { guichet, dataDir, port } = await startAlone()
      const postmaster = await postmasterOf(dataDir)
      const socket = connect(port, '127.0.0.1').on('error', () => undefined)
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      socket.write(bytes)
      expect(await end(guichet)).toBe(0)
      expect(await isAlive(postmaster)).toBe(false)
    },
  )

  test.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
    ['SIGHUP', 'SIGHUP'],
    ['SIGTERM', 'SIGHUP'],
    ['SIGHUP', 'SIGINT'],
  ] as const)(
    '%s and then %s end it at once with 1, its database too, and the next start recovers',
    {
      timeout: 60_000,
    },
    async (first, second) => {
      const { guichet, dataDir, base, port } = await startAlone(slowHashes)
      const { child } = guichet
      const postmaster = await postmasterOf(dataDir)
      const logins = Promise.allSettled(await loginsUnderWay(base, 8))
      const ended = once(child, 'exit')
      child.kill(first)
      // The first one has arrived when nobody new is let in.
      await eventually(5_000, async () => expect(call(base, 'GET', '/livez')).rejects.toThrow())
      expect(child.exitCode, 'the logins keep it').toBeNull()
      expect(guichet.stdout()).toContain(`${first}: Guichet stops. It waits up to 9.5 seconds for requests and jobs`)
      const began = performance.now()
      child.kill(second)
      expect(await ended).toEqual([1, null])
      // But for the hashes being computed, from which no thread can be taken away; the code tells it from an orderly end.
      expect(performance.now() - began).toBeLessThan(5_000)
      await logins
      await eventually(5_000, async () => expect(await isAlive(postmaster), 'no orphan').toBe(false))
      const again = await startProcess(['start'], { ...testEnvironment, GUICHET_DATA_DIR: dataDir, PORT: String(port) })
      await signIn(base)
      expect(await again.stop()).toBe(0)
    },
  )

  test('ends each of the four units and the database, in any order, with 0', { timeout: 90_000 }, async () => {
    const shop = await startArrangement('shop-in-four', slowHashes)
    onTestFinished(shop.stop)
    const postmaster = await postmasterOf(shop.dataDir)
    const token = await signIn(shop.urls.gateway)
    expect((await call(shop.urls.gateway, 'GET', '/orders', { token })).status).toBe(200)
    const logins = await loginsUnderWay(shop.urls.gateway, 6, shop.urls.auth)
    const { database, ...units } = shop.processes
    // All at once: a login holds its gateway and its service, and both wait for it.
    const codes = Object.fromEntries(
      await Promise.all(Object.entries(units).map(async ([name, unit]) => [name, await end(unit)])),
    )
    expect(codes).toEqual({ 'api-gateway': 0, 'auth-service': 0, 'user-service': 0, 'orders-service': 0 })
    expect(await Promise.all(logins)).toEqual([200, 200, 200, 200, 200, 200])
    expect(await end(database!)).toBe(0)
    expect(await isAlive(postmaster)).toBe(false)
  })
})

/** A client that asks for more than the sockets' buffers hold and stops reading after the first bytes. */
async function slowReader(base: string, port: number, dataDir: string) {
  const products = 1000
  await rowsOf(
    (await readFile(join(dataDir, 'postgres', 'url'), 'utf8')).trim(),
    'orders',
    `INSERT INTO products (name, description, price_cents, stock)
     SELECT 'Product ' || n, repeat('x', 20000), 100, 1 FROM generate_series(1, ${products}) n`,
  )
  // What was cached of the catalogue is forgotten before the slow client asks.
  await eventually(10_000, async () => {
    const { body } = await call(base, 'GET', '/products')
    expect(body.count).toBe(products)
  })
  const socket = connect(port, '127.0.0.1')
  socket.setEncoding('utf8')
  socket.write('GET /products HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
  let text = ''
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', (chunk: string) => {
      text += chunk
      socket.pause()
      resolve()
    })
  })
  return {
    products,
    async rest() {
      socket.on('data', (chunk: string) => {
        text += chunk
      })
      const closed = once(socket, 'close')
      socket.resume()
      await closed
      return text
    },
  }
}
