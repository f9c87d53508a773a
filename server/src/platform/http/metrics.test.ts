import { once } from 'node:events'
import { connect } from 'node:net'
import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { createMetrics } from './metrics.ts'

test('H-80 counts the connections that clients hold open, on all listeners', async () => {
  const metrics = createMetrics()
  const listeners = [fastify(), fastify()]
  for (const app of listeners) {
    metrics.observe(app)
    await app.listen({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => app.close())
  }
  const sockets = listeners.map((app) => connect((app.server.address() as { port: number }).port, '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const figure = async () => Number(/^http_open_connections (\d+)$/m.exec((await metrics.render()).text)?.[1])
  await expect.poll(figure).toBe(2)
  for (const socket of sockets) socket.destroy()
  await expect.poll(figure).toBe(0)
})

test('what is read anew at each scrape is told as it is, not added up', async () => {
  const metrics = createMetrics()
  let value = 0
  const values: Record<string, number> = { gone: 1 }
  metrics.rising('rising_total', 'Only rises', () => (value += 5))
  metrics.gauges('labelled', 'Has a label', 'tenant', async () => ({ ...values }))
  await metrics.render()
  delete values.gone
  values.new = 2
  const { text } = await metrics.render()
  expect(text).toMatch(/^rising_total 10$/m)
  expect(text).toMatch(/^labelled\{tenant="new"\} 2$/m)
  expect(text).not.toMatch(/tenant="gone"/)
})

test('a gauge that cannot be read leaves the other figures alone', async () => {
  const metrics = createMetrics()
  metrics.gauge('broken_gauge', 'Cannot be read', () => Promise.reject(new Error('the database is away')))
  metrics.gauge('whole_gauge', 'Can be read', () => Promise.resolve(7))
  metrics.gauges('labelled', 'Has a label', 'tenant', async () => ({ one: 1, two: 2 }))
  metrics.counter('counted_total', 'Counts', ['kind']).inc({ kind: 'a' })
  metrics.histogram('took_seconds', 'Takes time', ['kind']).observe({ kind: 'a' }, 0.2)
  const { text } = await metrics.render()
  expect(text).toMatch(/^whole_gauge 7$/m)
  expect(text).not.toMatch(/^broken_gauge \d/m)
  expect(text).toMatch(/^labelled\{tenant="two"\} 2$/m)
  expect(text).toMatch(/^counted_total\{kind="a"\} 1$/m)
  expect(text).toMatch(/^took_seconds_count\{kind="a"\} 1$/m)
})
