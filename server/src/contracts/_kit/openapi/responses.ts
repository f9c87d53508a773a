import type { TSchema } from 'typebox'
import { STATUS_CODES } from '../../../platform/http/status.ts'
import type { Contract, Route } from '../contract.ts'
import type { Components } from './components.ts'
import { capitalised, meanings, needsPermission } from './descriptions.ts'
import type { createExamples } from './examples.ts'

/** What operations answer. Failures in the contract's form are told once for each status, and referred to. */
export function createResponses(
  { documentation, failureSchema, errors, failure }: Contract,
  components: Components,
  examples: ReturnType<typeof createExamples>,
) {
  const shared: Record<string, unknown> = {}
  const failureText = JSON.stringify(failureSchema)

  /** The contract's own words; what differs from call to call stands among the examples of the fields. */
  const failureExample = (status: number) => {
    const answer = Object.values(errors).find((one) => one.status === status)
    if (!answer) return undefined
    const shown = Object.entries(failure(answer, answer.details ?? {}, { path: '' }))
    return Object.fromEntries(
      shown.map(([key, value]) => [key, documentation.fields[`Failure.${key}`]?.example ?? value]),
    )
  }

  const sharedFailure = (status: number) => {
    const name = nameOfStatus(status)
    shared[name] = {
      description: meanings[status] ?? name,
      ...(status === 429 && {
        headers: { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer' } } },
      }),
      content: {
        'application/json': {
          schema: components.refer(documentation.schemas.Failure, 'Failure'),
          example: failureExample(status),
        },
      },
    }
    return { $ref: `#/components/responses/${name}` }
  }

  /** RFC 9110, 15.3.5 and 15.4.5: a 204 and a 304 have no content. */
  const responseOf = (route: Route, status: number, schema: TSchema) => {
    if (JSON.stringify(schema) === failureText) return sharedFailure(status)
    const description = meanings[status] ?? nameOfStatus(status)
    if (status === 204 || status === 304) return { description }
    if (route.bytes) return { description, content: { '*/*': { schema: { type: 'string', format: 'binary' } } } }
    const operation = capitalised(route.operationId ?? '')
    const reference = components.refer(schema, `${operation}${status < 300 ? 'Response' : nameOfStatus(status)}`)
    const example = examples(schema, 'answer')
    return { description, content: { 'application/json': { schema: reference, example } } }
  }

  return {
    /** The responses of an operation, by status. */
    of: (route: Route) =>
      Object.fromEntries(
        Object.entries({ ...edgeReplies(failureSchema, route), ...route.replies }).map(([status, schema]) => [
          status,
          responseOf(route, Number(status), schema),
        ]),
      ),
    /** Those that operations refer to. */
    shared,
  }
}

/** `NotFound` for 404. */
const nameOfStatus = (status: number): string => (STATUS_CODES[status] ?? 'Answer').replaceAll(/[^A-Za-z]/g, '')

/** What any route can answer before its handler runs. */
function edgeReplies(failureSchema: TSchema, route: Route): Record<number, TSchema> {
  const statuses = [
    ...(route.method === 'GET' ? [] : [413]),
    429,
    500,
    503,
    ...(route.access === 'public' ? [] : [401]),
    ...(needsPermission(route) ? [403] : []),
  ]
  return Object.fromEntries(statuses.map((status) => [status, failureSchema]))
}
