import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { refuseAtEdge } from '../errors.ts'
import type { InternalClient } from '../http/internal-client.ts'
import { Uuid } from '../http/schema.ts'
import type { EventSource } from './bus.ts'
import type { DomainEvent } from './event.ts'
import { largestBatch, longestWaitMs } from './relay.ts'

const consumerName = Type.String({ minLength: 1, maxLength: 100 })

// A query carries texts, and the application may coerce nothing: the patterns hold the numbers to their bounds.
const feedQuery = Type.Object({
  consumer: consumerName,
  limit: Type.Optional(Type.String({ pattern: '^([1-9]|[1-9][0-9]|100)$' })),
  wait_ms: Type.Optional(Type.String({ pattern: '^(0|[1-9][0-9]{0,3}|1[0-9]{4}|20000)$' })),
})

const cloudEvent = Type.Object({
  specversion: Type.Literal('1.0'),
  datacontenttype: Type.Literal('application/json'),
  id: Type.String(),
  source: Type.String(),
  type: Type.String(),
  subject: Type.String(),
  sequence: Type.Integer(),
  time: Type.String(),
  data: Type.Unknown(),
})

const feed = Type.Object({ events: Type.Array(cloudEvent, { maxItems: largestBatch }) })

const acknowledgement = Type.Object({
  consumer: consumerName,
  ids: Type.Array(Uuid, { maxItems: largestBatch }),
})

const domainError = Type.Object({ code: Type.String(), details: Type.Record(Type.String(), Type.Unknown()) })
const domainErrors = { '4xx': domainError, '5xx': domainError }

/** Serves a relay to the other processes; the caller guards `/internal` with the service token. */
export function eventFeedRoutes(app: FastifyInstance, relay: EventSource): void {
  app.get<{ Querystring: Type.Static<typeof feedQuery> }>(
    '/internal/events',
    { schema: { querystring: feedQuery, response: { 200: feed, ...domainErrors } } },
    async (request): Promise<Type.Static<typeof feed>> => {
      const { consumer, limit, wait_ms: waitMs } = request.query
      const events = await relay.next(consumer, {
        limit: Number(limit ?? largestBatch),
        waitMs: Number(waitMs ?? 0),
        // Aborts when the client goes away.
        signal: request.signal,
      })
      return {
        events: events.map((event) => ({ specversion: '1.0', datacontenttype: 'application/json', ...event })),
      }
    },
  )

  app.post<{ Body: Type.Static<typeof acknowledgement> }>(
    '/internal/events/acknowledge',
    { schema: { body: acknowledgement, response: { 204: Type.Null(), ...domainErrors } } },
    async (request, reply) => {
      await relay.acknowledge(request.body.consumer, request.body.ids)
      return reply.code(204).send()
    },
  )
}

/** The time an answer may take beyond the wait that was asked for. */
const answerMs = 5_000

/** Reads another process's relay over HTTP. */
export function httpEventSource({ service, client }: { service: string; client: InternalClient }): EventSource {
  return {
    service,
    async next(consumer, { limit, waitMs, signal }) {
      const wait = Math.min(Math.max(Math.trunc(waitMs), 0), longestWaitMs)
      const query = new URLSearchParams({
        consumer,
        limit: String(Math.min(limit, largestBatch)),
        wait_ms: String(wait),
      })
      try {
        const answer = await client.call<Type.Static<typeof feed>>('GET', `/internal/events?${query}`, {
          deadlineMs: wait + answerMs,
          ...(signal && { signal }),
        })
        return answer.events.map(asDomainEvent(service))
      } catch (error) {
        // As in the relay: who no longer waits gets nothing, not a failure.
        if (signal?.aborted) return []
        throw error
      }
    },
    async acknowledge(consumer, ids) {
      for (let from = 0; from < ids.length; from += largestBatch) {
        await client.call<void>('POST', '/internal/events/acknowledge', {
          body: { consumer, ids: ids.slice(from, from + largestBatch) },
        })
      }
    },
  }
}

const asDomainEvent =
  (service: string) =>
  ({ specversion: _, datacontenttype: __, ...event }: Type.Static<typeof cloudEvent>): DomainEvent => {
    // A wrong url in the configuration would otherwise feed one service's events to another's handlers.
    if (event.source !== service) throw refuseAtEdge('edge.bad_gateway', { expected: service, got: event.source })
    return event
  }
