import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '../db/database.ts'

/** The process's figures, in Prometheus' text form. One for all listeners of a process. */
export interface Metrics {
  /** Counts every answer of a listener. */
  observe(app: FastifyInstance): void
  watchPool(database: Database): void
  /** Adds a gauge that is read when somebody asks. */
  gauge(name: string, help: string, read: () => number): void
  render(): Promise<{ type: string; text: string }>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered',
    labelNames: ['method', 'endpoint', 'status'],
    registers: [registry],
  })
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer',
    labelNames: ['method', 'endpoint'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  const pools: Database[] = []
  new Gauge({
    name: 'guichet_database_connections',
    help: 'Connections of a pool, and requests waiting for one',
    labelNames: ['database', 'state'],
    registers: [registry],
    collect() {
      for (const database of pools) {
        const { total, idle, waiting } = database.pool()
        this.set({ database: database.name, state: 'busy' }, total - idle)
        this.set({ database: database.name, state: 'idle' }, idle)
        this.set({ database: database.name, state: 'waiting' }, waiting)
      }
    },
  })

  return {
    observe(app) {
      app.addHook('onResponse', (request, reply, done) => {
        const { method } = request
        // The route's pattern, never the path itself: a stranger can invent any number of paths.
        const endpoint = request.is404 ? 'unknown' : endpointOf(request.routeOptions)
        requests.inc({ method, endpoint, status: reply.statusCode })
        durations.observe({ method, endpoint }, reply.elapsedTime / 1000)
        done()
      })
    },
    watchPool: (database) => void pools.push(database),
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read())
        },
      })
    },
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

const endpointOf = ({ config, url }: { config: object; url?: string | undefined }): string =>
  'endpoint' in config && typeof config.endpoint === 'string' ? config.endpoint : (url ?? 'unknown')
