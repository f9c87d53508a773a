import Fastify from 'fastify'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { DomainError } from '../errors.ts'
import { type InternalClient, internalClient } from '../http/internal-client.ts'
import { newId } from '../ids.ts'
import { eventBusConformance } from '../testing/event-bus.conformance.ts'
import type { EventSource } from './bus.ts'
import { eventFeedRoutes, httpEventSource } from './http-bus.ts'
import { openRelay, type Relay } from './relay.ts'

const statuses: Record<string, number> = { 'edge.forbidden': 403, 'edge.unavailable': 503 }

/** An application as a process has it: errors in our own form, coercion off. */
function build(relay: EventSource) {
  const app = Fastify({ forceCloseConnections: true, ajv: { customOptions: { coerceTypes: false } } })
  app.setErrorHandler(async (error, _request, reply) => {
    const domainError = error instanceof DomainError ? error : new DomainError('edge.bad_request')
    return reply.code(statuses[domainError.code] ?? 400).send({ code: domainError.code, details: domainError.details })
  })
  eventFeedRoutes(app, relay)
  return app
}

async function serve(relay: EventSource, port = 0) {
  const app = build(relay)
  const url = await app.listen({ host: '127.0.0.1', port })
  return { app, url }
}

eventBusConformance('http', async (options) => {
  const relay = openRelay(options)
  let { app, url } = await serve(relay)
  const client = internalClient({ url, token: 'of no interest here', deadlineMs: 3_000 })
  return {
    source: httpEventSource({ service: options.service, client }),
    goAway: async () => {
      await app.close()
    },
    comeBack: async () => {
      app = (await serve(relay, Number(new URL(url).port))).app
    },
    async close() {
      await relay.close()
      await client.close()
      await app.close()
    },
  }
})

describe('the event feed', () => {
  const relay = {
    service: 'identity',
    next: vi.fn<Relay['next']>(async () => []),
    acknowledge: vi.fn<Relay['acknowledge']>(async () => undefined),
    close: async () => undefined,
  }
  const app = build(relay)
  afterEach(() => vi.clearAllMocks())
  const event = {
    id: '0198f2a0-0000-7000-8000-000000000001',
    source: 'identity',
    type: 'thing.changed',
    subject: '0198f2a0-0000-7000-8000-000000000002',
    sequence: 1,
    time: '2026-01-01T00:00:00.000Z',
    data: { nested: [1, null, 'two'] },
  }

  test('events leave the process as CloudEvents 1.0', async () => {
    relay.next.mockResolvedValueOnce([event])
    const answer = await app.inject('/internal/events?consumer=audit')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ events: [{ specversion: '1.0', datacontenttype: 'application/json', ...event }] })
    expect(relay.next).toHaveBeenCalledWith('audit', expect.objectContaining({ limit: 100, waitMs: 0 }))
  })

  test.each([
    '',
    '?consumer=',
    '?consumer=audit&limit=0',
    '?consumer=audit&limit=101',
    '?consumer=audit&limit=ten',
    '?consumer=audit&wait_ms=20001',
    '?consumer=audit&wait_ms=-1',
    `?consumer=${'a'.repeat(101)}`,
  ])('GET /internal/events%s is refused', async (query) => {
    expect((await app.inject(`/internal/events${query}`)).statusCode).toBe(400)
    expect(relay.next).not.toHaveBeenCalled()
  })

  test.each(['limit=1', 'limit=100', 'wait_ms=0', 'wait_ms=20000', 'wait_ms=19999'])('%s is taken', async (query) => {
    expect((await app.inject(`/internal/events?consumer=audit&${query}`)).statusCode).toBe(200)
  })

  test.each([
    ['without a consumer', {}],
    ['without ids', { consumer: 'audit' }],
    ['of a number', { consumer: 'audit', ids: [1] }],
    ['of what is no id', { consumer: 'audit', ids: ['1'] }],
    ['of more than a batch', { consumer: 'audit', ids: Array(101).fill(event.id) }],
  ])('an acknowledgement %s is refused', async (_, body) => {
    const answer = await app.inject({ method: 'POST', url: '/internal/events/acknowledge', payload: body })
    expect(answer.statusCode).toBe(400)
    expect(relay.acknowledge).not.toHaveBeenCalled()
  })

  test('the wait ends when the client goes away', async () => {
    let signal: AbortSignal | undefined
    relay.next.mockImplementationOnce(async (_consumer, options) => {
      signal = options.signal
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      return []
    })
    const { app: listener, url } = await serve(relay)
    const client = internalClient({ url, token: '', deadlineMs: 3_000 })
    const leaving = new AbortController()
    const answer = httpEventSource({ service: 'identity', client }).next('audit', {
      limit: 1,
      waitMs: 20_000,
      signal: leaving.signal,
    })
    await vi.waitFor(() => expect(signal?.aborted).toBe(false))
    leaving.abort()
    expect(await answer).toEqual([])
    await vi.waitFor(() => expect(signal?.aborted).toBe(true))
    await client.close()
    await listener.close()
  })

  test.each([
    [
      { limit: 7, waitMs: 123.9 },
      { limit: 7, waitMs: 123 },
    ],
    [
      { limit: 1_000, waitMs: 1_000_000 },
      { limit: 100, waitMs: 20_000 },
    ],
    [
      { limit: 1, waitMs: -5 },
      { limit: 1, waitMs: 0 },
    ],
  ])('of %j the relay hears %j', async (wanted, heard) => {
    const { app: listener, url } = await serve(relay)
    const client = internalClient({ url, token: '', deadlineMs: 3_000 })
    onTestFinished(async () => {
      await client.close()
      await listener.close()
    })
    relay.next.mockResolvedValueOnce([event])
    const source = httpEventSource({ service: 'identity', client })
    expect(await source.next('a & b=ü+ %', wanted)).toStrictEqual([event])
    expect(relay.next.mock.calls).toEqual([['a & b=ü+ %', { ...heard, signal: expect.any(AbortSignal) }]])
  })

  test('every event is acknowledged, in batches', async () => {
    const { app: listener, url } = await serve(relay)
    const client = internalClient({ url, token: '', deadlineMs: 3_000 })
    onTestFinished(async () => {
      await client.close()
      await listener.close()
    })
    const ids = Array.from({ length: 201 }, newId)
    await httpEventSource({ service: 'identity', client }).acknowledge('audit', ids)
    expect(relay.acknowledge.mock.calls).toEqual(
      [ids.slice(0, 100), ids.slice(100, 200), ids.slice(200)].map((batch) => ['audit', batch]),
    )
  })

  test('a reading may take five seconds longer than it waits', async () => {
    const call = vi.fn(async () => ({ events: [] }))
    const client = { url: '', call: call as InternalClient['call'], close: async () => undefined }
    const { signal } = new AbortController()
    await httpEventSource({ service: 'identity', client }).next('audit', { limit: 1, waitMs: 400, signal })
    expect(call.mock.calls).toEqual([
      ['GET', '/internal/events?consumer=audit&limit=1&wait_ms=400', { deadlineMs: 5_400, signal }],
    ])
  })

  test("another service's events are not taken for this one's", async () => {
    relay.next.mockResolvedValueOnce([event])
    const { app: listener, url } = await serve(relay)
    const client = internalClient({ url, token: '', deadlineMs: 3_000 })
    const asked = httpEventSource({ service: 'orders', client }).next('audit', { limit: 1, waitMs: 0 })
    await expect(asked).rejects.toMatchObject({ code: 'edge.bad_gateway' })
    await client.close()
    await listener.close()
  })
})
