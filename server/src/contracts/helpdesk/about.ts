import Type from 'typebox'
import { systemClock } from '../../platform/clock.ts'
import { type HealthReport, type Route, reply, route } from '../_kit/contract.ts'
import { version } from './terms.ts'

const service = 'auth-service'
const now = () => new Date(systemClock.now()).toISOString()
const connection = (up: boolean | undefined) => (up ? 'connected' : 'disconnected')

/** GET /health of the sign-in service, which asked what it depends on; on the whole helpdesk's host also of the rest. */
export function health({ of, healthy, redis, services, uptimeSeconds, development, version }: HealthReport) {
  const postgres = connection(services.identity)
  const text = 'Une dépendance ne répond pas.'
  const body = {
    success: healthy,
    status: healthy ? 'healthy' : 'unhealthy',
    service,
    version,
    timestamp: now(),
    uptime: uptimeSeconds,
    environment: development ? 'development' : 'production',
    database: { postgres, redis: connection(redis) },
    ...(of === 'gateway' && {
      dependencies: { database: connection(services.profiles), redis: connection(redis), authService: postgres },
    }),
    ...(!healthy && { message: text, error: text }),
  }
  return { status: healthy ? 200 : 503, body }
}

const alive = route({
  service: 'identity',
  method: 'GET',
  url: '/api/auth/health',
  summary: 'Say that the sign-in service answers',
  access: 'public',
  limit: 'metrics',
  replies: {
    200: Type.Object({
      success: Type.Literal(true),
      status: Type.Literal('OK'),
      service: Type.String(),
      version: Type.String(),
      timestamp: Type.String(),
    }),
  },
  handler: async () => reply(200, { success: true, status: 'OK', service, version, timestamp: now() }),
})

const Endpoint = Type.Object({ method: Type.String(), path: Type.String(), description: Type.String() })

/** @param routes those to be told of */
const documentation = (routes: readonly Route[]): Route => {
  const endpoints = routes
    .filter(({ html }) => !html)
    .map(({ method, url, summary }) => ({ method, path: url, description: summary }))
  return route({
    service: 'identity',
    method: 'GET',
    url: '/api-docs',
    summary: 'List the endpoints',
    access: 'public',
    limit: 'read',
    ownListenerOnly: true,
    replies: {
      200: Type.Object({
        success: Type.Literal(true),
        service: Type.String(),
        version: Type.String(),
        endpoints: Type.Array(Endpoint),
      }),
    },
    handler: async () => reply(200, { success: true, service, version, endpoints }),
  })
}

/** What the service says of itself; `routes` are all the others. */
export const aboutRoutes = (routes: readonly Route[]): Route[] => [alive, documentation([...routes, alive])]
