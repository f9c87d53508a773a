import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '../db/database.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** Seconds by consumer. */
type Lags = () => Promise<Readonly<Record<string, number>>>

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The process's figures, in Prometheus' text form. One for all listeners of a process. */
export function createMetrics() {
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
    buckets,
    registers: [registry],
  })
  const queries = new Histogram({
    name: 'db_operation_duration_seconds',
    help: 'Time from sending a statement to its rows; a transaction counts as a whole',
    labelNames: ['operation'],
    buckets,
    registers: [registry],
  })
  const servers: FastifyInstance['server'][] = []
  new Gauge({
    name: 'http_open_connections',
    help: 'Connections that clients hold open',
    registers: [registry],
    async collect() {
      const counts = await Promise.all(servers.map(openConnections))
      this.set(counts.reduce((sum, count) => sum + count, 0))
    },
  })
  const relays: { service: string; lags: Lags }[] = []
  new Gauge({
    name: 'guichet_events_lag_seconds',
    help: 'Age of the oldest event that a consumer has not acknowledged',
    labelNames: ['service', 'consumer'],
    registers: [registry],
    async collect() {
      this.reset()
      // What cannot be read now is left out.
      const all = await Promise.all(relays.map(async ({ lags }) => lags().catch((): Awaited<ReturnType<Lags>> => ({}))))
      for (const [index, { service }] of relays.entries()) {
        for (const [consumer, seconds] of Object.entries(all[index] ?? {})) this.set({ service, consumer }, seconds)
      }
    },
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
    /** Counts every answer of a listener. */
    observe(app: FastifyInstance): void {
      servers.push(app.server)
      app.addHook('onResponse', (request, reply, done) => {
        const { method } = request
        // The route's pattern, never the path itself: a stranger can invent any number of paths.
        const endpoint = request.is404 ? 'unknown' : endpointOf(request.routeOptions)
        requests.inc({ method, endpoint, status: reply.statusCode })
        durations.observe({ method, endpoint }, reply.elapsedTime / 1000)
        done()
      })
    },
    /** Counts the time of one statement or transaction. */
    databaseQuery: (operation: string, seconds: number) => queries.observe({ operation }, seconds),
    /** Shows how far the consumers of a service's events are behind. */
    watchEvents: (service: string, lags: Lags) => void relays.push({ service, lags }),
    watchPool: (database: Database) => void pools.push(database),
    /** Adds a gauge that is read when somebody asks. */
    gauge(name: string, help: string, read: () => number | Promise<number>): void {
      new Gauge({
        name,
        help,
        registers: [registry],
        async collect() {
          // What cannot be read now is left out; the other figures must not wait for it.
          const value = await Promise.resolve(read()).catch(() => undefined)
          if (value === undefined) this.remove()
          else this.set(value)
        },
      })
    },
    /** Adds a counter whose value is read when somebody asks, and only rises. */
    rising(name: string, help: string, read: () => number): void {
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    },
    /** Adds a gauge with a value for each value of one label. */
    gauges(name: string, help: string, label: string, read: () => Promise<Readonly<Record<string, number>>>): void {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        async collect() {
          this.reset()
          const values = await read().catch(() => ({}))
          for (const [key, value] of Object.entries(values)) this.set({ [label]: key }, value)
        },
      })
    },
    counter: (name: string, help: string, labelNames: string[]) =>
      new Counter({ name, help, labelNames, registers: [registry] }),
    /** Adds a histogram of durations in seconds. */
    histogram: (name: string, help: string, labelNames: string[]) =>
      new Histogram({ name, help, labelNames, buckets, registers: [registry] }),
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}

const endpointOf = ({ config, url }: { config: object; url?: string | undefined }): string =>
  'endpoint' in config && typeof config.endpoint === 'string' ? config.endpoint : (url ?? 'unknown')

const openConnections = (server: FastifyInstance['server']) =>
  new Promise<number>((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)))
