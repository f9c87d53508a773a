import { STATUS_CODES } from 'node:http'
import type { TSchema } from 'typebox'
import type { Access, Contract, Route } from './contract.ts'

/**
 * The OpenAPI 3.1 document of a contract, from the same list that is mounted. Pages for people are left out.
 * @param routes those that a listener serves; all of them when absent
 */
export function openApiOf(contract: Contract, routes: readonly Route[] = contract.routes): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    if (route.html) continue
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(contract, route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: contract.title, version: '1.0.0' },
    paths,
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
  }
}

function operation(contract: Contract, route: Route) {
  const { service, summary, access, query, params, replies, idempotent, bytes } = route
  const responses = Object.fromEntries(
    Object.entries({ ...edgeReplies(contract, route), ...replies }).map(([status, schema]) => [
      status,
      responseOf(Number(status), schema, bytes),
    ]),
  )
  const key = { name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string', maxLength: 255 } }
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query'), ...(idempotent ? [key] : [])]
  return {
    summary,
    tags: [service],
    ...(access !== 'public' && { security: [{ bearer: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...requestBodyOf(route),
    responses,
  }
}

function requestBodyOf({ body, upload }: Route) {
  if (upload) {
    const file = { type: 'string', format: 'binary' }
    const schema = { type: 'object', required: [upload.field], properties: { [upload.field]: file } }
    return { requestBody: { required: true, content: { 'multipart/form-data': { schema } } } }
  }
  return body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }
}

/** RFC 9110, 15.3.5 and 15.4.5: a 204 and a 304 have no content. */
const responseOf = (status: number, schema: TSchema, bytes = false) => ({
  description: descriptions[status] ?? STATUS_CODES[status] ?? 'Answer',
  ...(status !== 204 &&
    status !== 304 && { content: { [bytes && status < 300 ? '*/*' : 'application/json']: { schema } } }),
})

/** What any route can answer before its handler runs. */
function edgeReplies({ failureSchema }: Contract, { access }: Route): Record<number, TSchema> {
  const statuses = [
    413,
    429,
    500,
    503,
    ...(access === 'public' ? [] : [401]),
    ...(needsPermission(access) ? [403] : []),
  ]
  return Object.fromEntries(statuses.map((status) => [status, failureSchema]))
}

/** What is none of these names a permission. */
const openToPeople: ReadonlySet<string> = new Set(['public', 'person', 'person_or_service', 'service'])
const needsPermission = (access: Access): boolean => !openToPeople.has(access)

function parametersOf(schema: TSchema | undefined, place: 'path' | 'query') {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, TSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }))
}

const descriptions: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted; it is done later',
  204: 'Done; there is nothing to say',
  304: 'What the client has is the newest',
  400: 'The request does not fit',
  401: 'No valid token, or wrong credentials',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict with the present state',
  410: 'No longer there',
  413: 'The body is too large',
  415: 'The body is of another media type',
  422: 'The request fits its form, not its meaning',
  429: 'Too many requests; see Retry-After',
  500: 'A fault on our side',
  502: 'A service answered what cannot be understood',
  503: 'A service does not answer; try again later',
  504: 'A service took too long',
}
