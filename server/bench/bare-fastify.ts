import fastify from 'fastify'

/** The yardstick: one route, no plugin, no logger, that serialises the given body at every request. */
const body: unknown = JSON.parse(process.argv[2] ?? '{}')
const app = fastify()
app.get('/', async () => body)
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
