import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openScratchServer } from '../../../../tests/support/scratch-server.ts'
import { silentLogger } from '../../log.ts'
import { withConnection } from '../connection.ts'
import { poll } from '../poll.ts'
import { keepConnection } from './connection.ts'
import { openNotices, type ServerNotices } from './index.ts'
import { NoticeQueue } from './queue.ts'

let server: Awaited<ReturnType<typeof openScratchServer>>
let opened: ServerNotices[] = []

beforeAll(async () => {
  server = await openScratchServer('orders')
}, 30_000)
afterAll(() => server.remove())
afterEach(async () => {
  await Promise.all(opened.map((notices) => notices.close()))
  opened = []
})

function open(name: string, url = server.url('orders')) {
  const notices = openNotices({ url, name, log: silentLogger() })
  opened.push(notices)
  return notices
}

/** Opens notices that listen already, with what they hear from then on. */
async function listening(name: string, channel = 'orders') {
  const notices = open(name)
  const heard: (string | undefined)[] = []
  notices.on(channel, (payload) => heard.push(payload))
  await until(() => heard.length > 0)
  heard.length = 0
  return { notices, heard }
}

async function until(condition: () => boolean | Promise<boolean>) {
  const met = await poll(async () => (await condition()) || undefined, { withinMs: 5_000, everyMs: 5 })
  expect(met, String(condition)).toBe(true)
}

const cut = (name: string) =>
  withConnection(server.adminUrl, 'test', (client) =>
    client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      `guichet:${name}:notices`,
    ]),
  )

/** What the server carries, seen by a connection that has nothing to do with us. */
async function spy() {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: server.url('orders') })
  const carried: string[] = []
  client.on('notification', ({ payload = '' }) => carried.push(payload))
  await client.connect()
  await client.query('LISTEN orders')
  return { carried, end: () => client.end() }
}

test('tells its own listeners at once, others through the server, and each exactly once', async () => {
  const one = await listening('one')
  const two = await listening('two')
  const announced = one.notices.announce('orders', 'a')
  expect(one.heard).toEqual(['a'])
  await announced
  await until(() => two.heard.length > 0)
  // A round trip later, an echo of the first would have come before it.
  await two.notices.announce('orders', 'b')
  await until(() => one.heard.includes('b'))
  expect(one.heard).toEqual(['a', 'b'])
  expect(two.heard).toEqual(['a', 'b'])
})

test('sends equal notices that wait only once, and others in their order', async () => {
  const { notices, heard } = await listening('one')
  const { carried, end } = await spy()
  await Promise.all(['a', 'b', 'a', 'a', 'c', 'b'].map((payload) => notices.announce('orders', payload)))
  expect(heard).toHaveLength(6)
  await notices.announce('orders', 'end')
  await until(() => carried.includes('end'))
  expect(carried).toEqual(['a', 'b', 'c', 'end'])
  await end()
})

test('comes back whenever its connection was cut, and says that something may have been missed', async () => {
  const one = await listening('one')
  const two = await listening('two')
  for (const time of ['first', 'second']) {
    await cut('one')
    await until(() => !one.notices.connected() || one.heard.length > 0)
    // Announced while away: its own listeners hear it now, the others when it is back.
    await one.notices.announce('orders', `${time} away`)
    expect(one.heard).toContain(`${time} away`)
    await until(() => one.heard.includes(undefined) && one.notices.connected())
    await until(() => two.heard.includes(`${time} away`))
    await two.notices.announce('orders', `${time} after`)
    await until(() => one.heard.includes(`${time} after`))
    expect(one.heard.filter((said) => said?.endsWith('after'))).toEqual([`${time} after`])
    one.heard.length = 0
  }
  expect(two.heard).toEqual(['first away', 'first after', 'second away', 'second after'])
})

test('is quiet and harmless while the server is away', async () => {
  const notices = open('away', 'postgresql://orders:x@127.0.0.1:1/orders')
  const heard: unknown[] = []
  notices.on('orders', (payload) => heard.push(payload))
  await notices.announce('orders', 'a')
  expect(heard).toEqual(['a'])
  expect(notices.connected()).toBe(false)
  await notices.close()
})

test('stops telling a listener that unsubscribed, and survives one that throws', async () => {
  const one = await listening('one')
  const two = await listening('two')
  two.notices.on('orders', () => {
    throw new Error('broken')
  })
  const late: unknown[] = []
  const unsubscribe = two.notices.on('orders', (payload) => late.push(payload))
  await one.notices.announce('orders', 'a')
  await until(() => late.length === 1)
  unsubscribe()
  await one.notices.announce('orders', 'b')
  await until(() => two.heard.includes('b'))
  expect(late).toEqual(['a'])
})

test('hears what is said on a channel that it began to listen to later, whatever its name', async () => {
  const { notices } = await listening('one')
  const heard: (string | undefined)[] = []
  notices.on('Wo"hin; x', (payload) => heard.push(payload))
  await until(() => heard.length === 1)
  const other = (await listening('two')).notices
  await other.announce('Wo"hin; x', 'a')
  await until(() => heard.length === 2)
  expect(heard).toEqual([undefined, 'a'])
  expect(() => notices.on('x'.repeat(64), () => undefined)).toThrow(/63 bytes/)
})

test('turns a payload that the server cannot carry into "anything may have changed"', async () => {
  const one = await listening('one')
  const two = await listening('two')
  const long = 'ü'.repeat(4_000)
  await one.notices.announce('orders', long)
  expect(one.heard).toEqual([long])
  await until(() => two.heard.length > 0)
  expect(two.heard).toEqual([undefined])
  await one.notices.announce('orders', `${long.slice(1)}x`)
  await until(() => two.heard.length > 1)
  expect(two.heard[1]).toHaveLength(4_000)
})

test('what the server declines does not keep back what comes after it', async () => {
  const { heard } = await listening('two')
  const options = { url: server.url('orders'), name: 'one', log: silentLogger(), channels: () => [] }
  const connection = keepConnection({ ...options, onReady: () => undefined, onNotice: () => undefined })
  try {
    await until(() => connection.connected())
    for (const payload of ['first', 'second']) {
      expect(await connection.send([{ channel: 'x'.repeat(64), payload: 'declined' }])).toBe(true)
      expect(await connection.send([{ channel: 'orders', payload }])).toBe(true)
      expect(await connection.listen('another')).toBe(true)
    }
    await until(() => heard.length === 2)
    expect(heard).toEqual(['first', 'second'])
  } finally {
    await connection.close()
  }
})

test('sends what waits before it closes', async () => {
  const one = await listening('one')
  const two = await listening('two')
  void one.notices.announce('orders', 'last')
  await one.notices.close()
  await until(() => two.heard.includes('last'))
})

test('what is announced and closed before the connection stands is heard all the same', async () => {
  const two = await listening('two')
  for (let turn = 1; turn <= 5; turn += 1) {
    const one = open('one')
    expect(one.connected()).toBe(false)
    void one.announce('orders', `one-shot ${turn}`)
    await one.close()
    await until(() => two.heard.includes(`one-shot ${turn}`))
  }
  expect(two.heard).toHaveLength(5)
})

test('a connection that never stands keeps nobody from closing, and without a notice nothing is waited for', async () => {
  const sockets: Socket[] = []
  const mute = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const { port } = mute.address() as AddressInfo
  const url = `postgresql://orders:x@127.0.0.1:${port}/orders`
  const [quiet, telling] = [open('quiet', url), open('telling', url)]
  const closed: string[] = []
  void telling.announce('orders', 'never taken')
  const both = [quiet.close().then(() => closed.push('quiet')), telling.close().then(() => closed.push('telling'))]
  await Promise.all(both)
  expect(closed).toEqual(['quiet', 'telling'])
  mute.close()
  for (const socket of sockets) socket.destroy()
}, 15_000)

test('a full queue keeps only which channels changed', async () => {
  const queue = new NoticeQueue(3)
  const dropped = queue.add({ channel: 'a', payload: '1' })
  queue.add({ channel: 'a', payload: '2' })
  queue.add({ channel: 'b', payload: '1' })
  queue.add({ channel: 'c', payload: '9' })
  await dropped.taken
  const waiting = queue.take(10).map(({ channel, payload }) => [channel, payload])
  expect(waiting).toEqual([
    ['a', ''],
    ['b', ''],
    ['c', '9'],
  ])
  expect(queue.size).toBe(0)
})

test('what could not be sent waits again, and nobody waits for it', async () => {
  const queue = new NoticeQueue()
  queue.add({ channel: 'a', payload: '1' })
  const batch = queue.take(10)
  queue.add({ channel: 'a', payload: '2' })
  queue.restore(batch)
  await batch[0]?.taken
  expect(queue.take(10)).toMatchObject([
    { channel: 'a', payload: '2' },
    { channel: 'a', payload: '1' },
  ])
})
