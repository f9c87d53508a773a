import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { createAuthServiceClient, type VerifiedUser } from '../src/contracts/helpdesk/auth-service-client.ts'
import { DomainError, messageOf, refuseAtEdge } from '../src/platform/errors.ts'

/** A service beside the helpdesk: its people open tickets here. `docs/adding-a-service.md` goes through it. */

export interface Settings {
  host: string
  port: number
  authServiceUrl: string
  authServiceTimeoutMs: number
  serviceToken: string
}

/** Reads the environment; throws with every variable that does not fit. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const settings: Settings = {
    host: env.HOST ?? 'localhost',
    port: Number(env.PORT ?? 3003),
    authServiceUrl: env.AUTH_SERVICE_URL ?? 'http://localhost:3001',
    authServiceTimeoutMs: Number(env.AUTH_SERVICE_TIMEOUT ?? 5_000),
    serviceToken: env.INTERNAL_SERVICE_TOKEN ?? '',
  }
  const { port, authServiceUrl, authServiceTimeoutMs, serviceToken } = settings
  const problems = [
    ...(Number.isInteger(port) && port >= 0 && port < 65_536 ? [] : ['PORT must be a port.']),
    ...(URL.canParse(authServiceUrl) ? [] : ['AUTH_SERVICE_URL must be a URL like http://localhost:3001.']),
    ...(authServiceTimeoutMs >= 50 ? [] : ['AUTH_SERVICE_TIMEOUT must be milliseconds, at least 50.']),
    ...(serviceToken.length >= 32 ? [] : ['INTERNAL_SERVICE_TOKEN must be that of the auth service.']),
  ]
  if (problems.length > 0) throw new Error(problems.join(' '))
  return settings
}

const NewTicket = Type.Object({
  subject: Type.String({ minLength: 1, maxLength: 200 }),
  /** The address of the person it is opened for, by somebody of the staff. */
  requester: Type.Optional(Type.String({ minLength: 3, maxLength: 254 })),
})

interface Ticket {
  id: number
  subject: string
  requesterId: string
  createdAt: string
}

const staff = ['agent', 'manager', 'admin']

/** The service, not listening yet. It keeps its tickets in memory, where a real one has its database. */
export function openTickets({ authServiceUrl: url, authServiceTimeoutMs: timeoutMs, serviceToken }: Settings) {
  const authService = createAuthServiceClient({ url, timeoutMs, serviceToken })
  const tickets: Ticket[] = []
  const app = Fastify({ logger: { level: 'warn' }, bodyLimit: 16 * 1024 })
  app.addHook('onClose', authService.close)
  app.setErrorHandler(answerFailure)
  app.setNotFoundHandler(() => {
    throw new DomainError('not_found')
  })

  app.get('/health', async (_request, reply) => {
    const up = await authService.ping().then(
      () => true,
      () => false,
    )
    return reply.code(up ? 200 : 503).send({
      success: up,
      service: 'tickets-service',
      status: up ? 'healthy' : 'unhealthy',
      timestamp: new Date().toISOString(),
      dependencies: { authService: up ? 'connected' : 'disconnected' },
    })
  })

  app.register(async (signedIn: FastifyInstance) => {
    const callers = new WeakMap<FastifyRequest, VerifiedUser>()
    const callerOf = (request: FastifyRequest): VerifiedUser => {
      const caller = callers.get(request)
      if (!caller) throw refuseAtEdge('edge.missing_token')
      return caller
    }
    // Before the body is read: nobody is told more than that they have to sign in.
    signedIn.addHook('onRequest', async (request) => {
      const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
      if (token === undefined) throw refuseAtEdge('edge.missing_token')
      const answer = await authService.verify(token)
      if (answer.kind === 'invalid') throw refuseAtEdge('edge.invalid_token')
      callers.set(request, answer.user)
    })

    signedIn.get('/api/tickets', async (request) => {
      const { id } = callerOf(request)
      return { success: true, data: tickets.filter(({ requesterId }) => requesterId === id) }
    })

    signedIn.post<{ Body: Static<typeof NewTicket> }>(
      '/api/tickets',
      { schema: { body: NewTicket } },
      async (request, reply) => {
        const caller = callerOf(request)
        const { subject, requester } = request.body
        if (requester !== undefined && !staff.includes(caller.role)) throw refuseAtEdge('edge.forbidden')
        // In the name of this service, since not all staff may read accounts.
        const person = requester === undefined ? caller : await authService.userByEmail(requester)
        if (!person) throw new DomainError('unknown_requester')
        const createdAt = new Date().toISOString()
        const ticket: Ticket = { id: tickets.length + 1, subject, requesterId: person.id, createdAt }
        tickets.push(ticket)
        return reply.code(201).send({ success: true, data: ticket })
      },
    )
  })
  return app
}

/** What a refusal looks like, in the helpdesk's error form. */
const answers: Readonly<Record<string, { status: number; code: string; message: string }>> = {
  'edge.missing_token': { status: 401, code: 'MISSING_TOKEN', message: 'Send Authorization: Bearer <token>.' },
  'edge.invalid_token': { status: 401, code: 'INVALID_TOKEN', message: 'The token is not valid or has expired.' },
  'edge.forbidden': { status: 403, code: 'FORBIDDEN', message: 'Only staff may do this.' },
  'edge.identity_unavailable': {
    status: 503,
    code: 'AUTH_SERVICE_UNAVAILABLE',
    message: 'Auth Service unavailable',
  },
  unknown_requester: { status: 400, code: 'UNKNOWN_REQUESTER', message: 'Nobody has this address.' },
  not_found: { status: 404, code: 'NOT_FOUND', message: 'There is nothing at this address.' },
}

function answerFailure(error: FastifyError | DomainError, request: FastifyRequest, reply: FastifyReply) {
  const { status, code, message } = (error instanceof DomainError ? answers[error.code] : unreadable(error)) ?? broken
  // The cause of a refusal says what is wrong with the auth service, and is for the log alone.
  if (status >= 500) request.log.warn({ reason: messageOf(error.cause ?? error) }, 'a request failed')
  return reply.code(status).send({ success: false, message, error: message, code })
}

/** What Fastify itself refuses: a body that does not fit, is too large or no JSON. */
const unreadable = ({ statusCode, message }: FastifyError) =>
  statusCode !== undefined && statusCode < 500 ? { status: statusCode, code: 'BAD_REQUEST', message } : undefined

const broken = { status: 500, code: 'INTERNAL_ERROR', message: 'Something went wrong.' }

function settingsOrEnd(): Settings {
  try {
    return readSettings(process.env)
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`)
    return process.exit(1)
  }
}

if (import.meta.main) {
  const settings = settingsOrEnd()
  const app = openTickets(settings)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())
  const address = await app.listen({ host: settings.host, port: settings.port })
  process.stdout.write(`tickets-service is ready: ${address}\n`)
}
