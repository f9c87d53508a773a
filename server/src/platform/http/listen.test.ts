import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { listenAt, listenOn } from './listen.ts'

function exampleApp() {
  const app = fastify()
  onTestFinished(() => app.close())
  const seen: string[] = []
  app.server.on('request', ({ socket }) => void seen.push(socket.localAddress ?? ''))
  app.get('/', async () => 'here')
  return { app, seen }
}

const statusAt = async ({ address: host, port }: AddressInfo): Promise<number | undefined> => {
  const asked = request({ host, port, agent: false }).end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode
}

test('several addresses have one port and one server', async () => {
  const { app, seen } = exampleApp()
  const bound = await listenAt(app, ['127.0.0.1', '127.0.0.2'], 0)
  expect(bound.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2'])
  expect(new Set(bound.map(({ port }) => port)).size).toBe(1)
  for (const at of bound) expect(await statusAt(at), at.address).toBe(200)
  expect(seen).toEqual(['127.0.0.1', '127.0.0.2'])
})

test('"localhost" is every loopback address that there is', async () => {
  const { app } = exampleApp()
  const bound = await listenOn(app, { host: 'localhost', port: 0 })
  expect(bound[0]?.address).toBe('127.0.0.1')
  for (const at of bound) expect(await statusAt(at), at.address).toBe(200)
})

test('a further address that another program has is left out, the first is not', async () => {
  // Of addresses that no other test listens at, where the port may be taken.
  const other = createServer().listen(0, '127.0.0.2')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const bound = await listenAt(exampleApp().app, ['127.0.0.3', '127.0.0.2'], port)
  expect(bound.map(({ address }) => address)).toEqual(['127.0.0.3'])
  await expect(listenAt(exampleApp().app, ['127.0.0.2', '127.0.0.3'], port)).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

test('closing lets nobody in anywhere, and waits for what is being answered', async () => {
  const { app } = exampleApp()
  const answer = Promise.withResolvers<string>()
  const begun = Promise.withResolvers<void>()
  app.get('/slow', async () => {
    begun.resolve()
    return answer.promise
  })
  const bound = await listenAt(app, ['127.0.0.1', '127.0.0.2'], 0)
  const further = bound[1]!
  const asked = request({ host: further.address, port: further.port, path: '/slow', agent: false }).end()
  const answered = once(asked, 'response')
  await begun.promise
  let closed = false
  const closing = app.close().then(() => {
    closed = true
  })
  for (const at of bound) {
    await expect.poll(() => statusAt(at).catch(({ code }) => code)).toBe('ECONNREFUSED')
  }
  expect(closed).toBe(false)
  answer.resolve('late')
  const [{ statusCode }] = await answered
  expect(statusCode).toBe(200)
  asked.destroy()
  await closing
})
