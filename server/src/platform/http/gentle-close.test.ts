import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { poll } from '../db/poll.ts'
import { closeGently } from './gentle-close.ts'

/** A server whose answers the test gives, and one connection to it. */
async function setUp() {
  const asked: ServerResponse[] = []
  const server = createServer((_request, response) => void asked.push(response))
  closeGently(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
    server.closeAllConnections()
  })
  let text = ''
  let ended = false
  socket.setEncoding('utf8').on('data', (part) => {
    text += part
  })
  socket.on('close', () => {
    ended = true
  })
  await once(socket, 'connect')
  const until = async (condition: () => boolean) =>
    expect(await poll(() => condition() || undefined, { withinMs: 5_000 }), String(condition)).toBe(true)
  return {
    asked,
    ask: async (count: number) => {
      const before = asked.length
      socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(count))
      await until(() => asked.length === before + count)
    },
    answer: async (index: number) => {
      asked[index]?.end(`answer ${index}`)
      await until(() => text.includes(`answer ${index}`))
    },
    close: () => new Promise((resolve) => server.close(resolve)),
    text: () => text,
    ended: () => ended,
    until,
  }
}

test.each([
  ['that never asked', 0],
  ['whose first answer is given', 1],
  ['whose second answer is given', 2],
])('a connection %s is ended at once', async (_what, answers) => {
  const { ask, answer, close, ended, until } = await setUp()
  for (let index = 0; index < answers; index += 1) {
    await ask(1)
    await answer(index)
  }
  await close()
  await until(ended)
})

test('of several requests on one connection all are answered before it ends', async () => {
  const { ask, answer, close, ended, until, text } = await setUp()
  await ask(3)
  await answer(0)
  const closed = close()
  await answer(1)
  expect(ended()).toBe(false)
  await answer(2)
  await closed
  await until(ended)
  expect(text().match(/answer \d/g)).toEqual(['answer 0', 'answer 1', 'answer 2'])
})
