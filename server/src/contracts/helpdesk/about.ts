import Type from 'typebox'
import { systemClock } from '../../platform/clock.ts'
import { type HealthReport, type Route, reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { version } from './realm.ts'

const service = 'auth-service'
const nothingAnswers = 'Une dépendance ne répond pas.'
const now = () => new Date(systemClock.now()).toISOString()
const connection = (up: boolean | undefined) => (up ? 'connected' : 'disconnected')

/** GET /health: of the service that is asked, which really asked what it depends on, or on the whole helpdesk's host of both. */
export function health(report: HealthReport) {
  const { of, healthy, redis, services, uptimeSeconds, development, version } = report
  const identity = connection(services.identity)
  const common = {
    success: healthy,
    status: healthy ? 'healthy' : 'unhealthy',
    version,
    timestamp: now(),
    ...(!healthy && { message: nothingAnswers, error: nothingAnswers }),
  }
  const asAuthService = {
    service,
    uptime: uptimeSeconds,
    environment: development ? 'development' : 'production',
    database: { postgres: identity, redis: connection(redis) },
  }
  const asUserService = {
    dependencies: { database: connection(services.profiles), redis: connection(redis), authService: identity },
  }
  const parts =
    of === 'profiles'
      ? { service: 'user-service', ...asUserService }
      : { ...asAuthService, ...(of === 'gateway' && asUserService) }
  return { status: healthy ? 200 : 503, body: { ...common, ...parts } }
}

const readHealth = route('identity', 'GET', '/api/auth/health', {
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
const documentation = (routes: readonly Route[]): Route<'identity'> => {
  const endpoints = routes
    .filter(({ html }) => !html)
    .map(({ method, url, summary }) => ({ method, path: url, description: summary }))
  return route('identity', 'GET', '/api-docs', {
    summary: 'List the endpoints',
    access: 'public',
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

/** What the auth service says of itself; `routes` are all the others of it. */
export const aboutRoutes = (routes: readonly Route[]): Route<'identity'>[] =>
  operations('About', { readHealth, listEndpoints: documentation([...routes, readHealth]) })
