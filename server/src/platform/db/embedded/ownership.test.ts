import { EventEmitter } from 'node:events'
import { createServer, connect as dial, type Socket } from 'node:net'
import type pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '../../../../tests/support/processes.ts'
import { openScratchServer } from '../../../../tests/support/scratch-server.ts'
import type { Logger } from '../../log.ts'
import { withConnection } from '../connection.ts'
import { poll } from '../poll.ts'
import { keepClaim } from './ownership.ts'

let server: Awaited<ReturnType<typeof openScratchServer>>
beforeAll(async () => {
  server = await openScratchServer('orders')
}, 30_000)
afterAll(() => server.remove())

const taken = 'the built-in PostgreSQL is marked as ours again'
const silent = 'the built-in PostgreSQL does not answer'
const lost = 'lost the connection that marks the built-in PostgreSQL as ours; taking it again'

test('a lost claim is taken again as often as it is lost, however long the server is away', async () => {
  const [port = 0] = await freePorts(1)
  const url = new URL(server.adminUrl)
  // Locks are of one database; in this one nobody else has it.
  url.pathname = '/orders'
  const { port: realPort } = url
  url.port = String(port)
  const said: string[] = []
  const note = (...words: unknown[]) => void said.push(String(words.at(-1)))
  const first = Object.assign(new EventEmitter(), { end: async () => undefined }) as unknown as pg.Client
  const claim = keepClaim(first, url.href, { error: note, warn: note, info: note } as unknown as Logger)
  const sockets: Socket[] = []
  const proxy = createServer((socket) => {
    const onward = dial(Number(realPort), '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    for (const one of [socket, onward]) one.on('error', () => one.destroy())
    sockets.push(socket, onward)
  })
  onTestFinished(async () => {
    await claim.close()
    proxy.close()
    for (const one of sockets) one.destroy()
  })
  const until = async (condition: () => boolean) =>
    expect(await poll(() => condition() || undefined, { withinMs: 10_000 }), said.join('\n')).toBe(true)

  first.emit('end')
  await until(() => said.filter((text) => text === silent).length === 2)
  proxy.listen(port, '127.0.0.1')
  await until(() => said.at(-1) === taken)
  expect(said).toEqual([lost, silent, silent, taken])
  await withConnection(server.adminUrl, 'test', (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = 'orders' AND application_name LIKE 'guichet-owner:%'`,
    ),
  )
  await until(() => said.filter((text) => text === taken).length === 2)
}, 30_000)
