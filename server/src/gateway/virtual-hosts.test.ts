import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { Contract } from '../contracts/_kit/contract.ts'
import { contracts } from '../contracts/registry.ts'
import { closeGently } from '../platform/http/gentle-close.ts'
import { silentLogger } from '../platform/log.ts'
import { answerFailure } from './edge/failures.ts'
import { hostNameOf, serveVirtualHosts } from './virtual-hosts.ts'

test.each([
  ['/', 'shop.localhost', 'shop.localhost'],
  ['/', 'Shop.LocalHost:8000', 'shop.localhost'],
  ['/', 'shop.localhost.:8000', 'shop.localhost'],
  ['/', 'shop.localhost:', 'shop.localhost'],
  ['/', 'shop.localhost..', 'shop.localhost.'],
  ['/', '[::1]:8000', '[::1]'],
  ['/', undefined, ''],
  ['*', 'shop.localhost', 'shop.localhost'],
  ['/http://other/', 'shop.localhost', 'shop.localhost'],
  ['http://Shop.localhost:8000/users?x=1', 'other', 'shop.localhost'],
  ['HTTPS://shop.localhost?x=1', 'other', 'shop.localhost'],
])('a request for %s at %s is for the host %s', (url, host, name) => {
  expect(hostNameOf({ url, headers: { host } })).toBe(name)
})

const { shop } = contracts
/** All that the dispatch reads of a contract is which one it is. */
const one = { name: 'one' } as Contract

/** An app that says which host answered. */
function appOf(name: string): FastifyInstance {
  const app = fastify({ return503OnClosing: false })
  app.get('/', async () => name)
  return app
}

/** The default host, with `one.test` behind it as `open` makes it. */
async function gateway(open: () => Promise<FastifyInstance>) {
  const app = fastify({ return503OnClosing: false })
  onTestFinished(() => app.close())
  app.setErrorHandler(answerFailure(shop))
  serveVirtualHosts(app, {
    contractAt: (name) => (name === 'one.test' ? one : undefined),
    open,
    log: silentLogger(),
  })
  app.get('/', async () => 'default')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}

/** One request on a connection of its own, as bytes: the host it names is none that the system could look up. */
async function ask(app: FastifyInstance, host: string, target = '/') {
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  const [, status, headers = '', body] = /^HTTP\/1\.1 (\d+) [^\r]*\r\n(.*?)\r\n\r\n(.*)$/s.exec(text) ?? []
  return { status: Number(status), headers: headers.toLowerCase(), body }
}

test('a host is made by the first who asks for it, once for all who wait', async () => {
  let made = 0
  const ready = Promise.withResolvers<void>()
  const app = await gateway(async () => {
    made += 1
    await ready.promise
    return appOf('one')
  })
  expect((await ask(app, 'other.test')).body).toBe('default')
  expect(made).toBe(0)
  const waiting = [ask(app, 'one.test'), ask(app, 'ONE.test.'), ask(app, 'other.test', 'http://one.test/')]
  await expect.poll(() => made).toBe(1)
  // Nobody else waits for it.
  expect((await ask(app, 'other.test')).body).toBe('default')
  ready.resolve()
  for (const { status, body } of await Promise.all(waiting))
    expect({ status, body }).toEqual({ status: 200, body: 'one' })
  expect((await ask(app, 'one.test')).body).toBe('one')
  expect(made).toBe(1)
})

test('a host that cannot be made is 503 in the form of the default host, until it can', async () => {
  let broken = true
  const app = await gateway(async () => {
    if (broken) throw new Error('out of order')
    return appOf('one')
  })
  for (let turn = 0; turn < 2; turn += 1) {
    const { status, body } = await ask(app, 'one.test')
    expect(status).toBe(503)
    expect(JSON.parse(body ?? '')).toEqual(shop.failure(shop.errors['edge.unavailable'], {}, { path: '/' }))
  }
  expect((await ask(app, 'other.test')).body).toBe('default')
  broken = false
  expect((await ask(app, 'one.test')).body).toBe('one')
})

test('a host that fails to get ready is none', async () => {
  const app = await gateway(async () => {
    const host = appOf('one')
    host.register(async () => {
      throw new Error('out of order')
    })
    return host
  })
  expect((await ask(app, 'one.test')).status).toBe(503)
})

test('stopping closes the hosts, and lets them finish what they are answering', async () => {
  const begun = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<string>()
  let closed = false
  const app = await gateway(async () => {
    const host = appOf('one')
    host.get('/slow', async () => {
      begun.resolve()
      return answer.promise
    })
    host.addHook('onClose', async () => {
      closed = true
    })
    return host
  })
  closeGently(app.server)
  const slow = ask(app, 'one.test', '/slow')
  await begun.promise
  let stopped = false
  const stopping = app.close().then(() => {
    stopped = true
  })
  await expect.poll(() => closed).toBe(true)
  expect(stopped).toBe(false)
  answer.resolve('late')
  expect(await slow).toMatchObject({ status: 200, body: 'late' })
  await stopping
})

test('stopping waits for a host that is being made', async () => {
  const making = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<void>()
  const app = await gateway(async () => {
    making.resolve()
    await ready.promise
    return appOf('one')
  })
  closeGently(app.server)
  const asked = ask(app, 'one.test')
  await making.promise
  const stopping = app.close()
  ready.resolve()
  expect(await asked).toMatchObject({ status: 200, body: 'one' })
  await stopping
})
