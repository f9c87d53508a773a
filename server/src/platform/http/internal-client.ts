import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Agent } from 'undici'
import { DomainError, messageOf, refuseAtEdge } from '../errors.ts'

/** The header that carries `INTERNAL_SERVICE_TOKEN` between our own processes. */
export const internalTokenHeader = 'x-internal-token'

/** What a process answers, beside 404, to a wrong or missing service token. */
export const internalErrorHeader = 'x-internal-refused'
/** What to tell whoever runs the process whose token was refused. */
export const tokenRefused = 'the service refuses our INTERNAL_SERVICE_TOKEN: set the same one for both'

export type InternalClient = ReturnType<typeof internalClient>

export interface CallOptions {
  body?: unknown
  /** Milliseconds for the whole exchange; the client's own deadline when absent. */
  deadlineMs?: number
  signal?: AbortSignal
}

/** How a DomainError travels between our processes. */
interface ErrorBody {
  code: string
  details: Readonly<Record<string, unknown>>
}

/** The error handler of the routes that answer such calls: a DomainError travels by its code, anything else is only said to have failed. */
export function answerInternalFailure(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof DomainError) {
    const { code, details } = error
    return reply.code(code === 'edge.unavailable' ? 503 : 422).send({ code, details } satisfies ErrorBody)
  }
  const status = error.statusCode ?? 500
  if (status < 500) return reply.code(status).send({ code: 'edge.bad_request', details: {} } satisfies ErrorBody)
  request.log.error({ id: request.id, err: error }, 'an internal request failed')
  return reply.code(500).send({ code: 'edge.internal', details: {} } satisfies ErrorBody)
}

const longestAnswerBytes = 8 * 1024 * 1024

/** Calls another of our processes; nobody else is ever called through it. */
export function internalClient(options: { url: string; token: string; deadlineMs: number }) {
  const connect = { timeout: Math.min(options.deadlineMs, 2_000) }
  let agent: Agent | undefined
  return {
    url: options.url,
    /**
     * Sends one JSON request and gives the JSON answer. A refusal of the other side is thrown again here with its code;
     * an unreachable or silent one is refused with `edge.unavailable`.
     */
    async call<Answer>(
      method: 'GET' | 'POST',
      path: string,
      { body, deadlineMs, signal }: CallOptions = {},
    ): Promise<Answer> {
      const deadline = AbortSignal.timeout(deadlineMs ?? options.deadlineMs)
      let status: number
      let text: string
      let refused: boolean
      try {
        // Loaded where there are other processes to call: it takes ten megabytes.
        const { Agent, request } = await import('undici')
        agent ??= new Agent({ connections: 32, pipelining: 1, connect })
        const answer = await request(new URL(path, options.url), {
          method,
          dispatcher: agent,
          signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
          headers: { [internalTokenHeader]: options.token, 'content-type': 'application/json' },
          body: body === undefined ? null : JSON.stringify(body),
        })
        status = answer.statusCode
        refused = answer.headers[internalErrorHeader] !== undefined
        if (Number(answer.headers['content-length'] ?? 0) > longestAnswerBytes) {
          answer.body.destroy()
          throw new Error('the answer is too large')
        }
        text = await answer.body.text()
      } catch (error) {
        throw refuseAtEdge('edge.unavailable', { upstream: options.url }, error)
      }
      if (refused) throw refuseAtEdge('edge.unavailable', { upstream: options.url }, new Error(tokenRefused))
      if (status === 204) return undefined as Answer
      const json: unknown = parse(text)
      if (status < 300) return json as Answer
      if (isErrorBody(json)) throw new DomainError(json.code, json.details)
      throw refuseAtEdge('edge.unavailable', { upstream: options.url }, new Error(`${path} answered ${status}`))
    },
    close: async () => agent?.close(),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refuseAtEdge('edge.unavailable', {}, new Error(`an internal answer is not JSON: ${messageOf(error)}`))
  }
}

const isErrorBody = (json: unknown): json is ErrorBody =>
  typeof json === 'object' && json !== null && 'code' in json && typeof json.code === 'string' && 'details' in json
