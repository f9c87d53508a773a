import type { TSchema } from 'typebox'
import type { Contract, Route } from '../contract.ts'
import { type Components, createComponents } from './components.ts'
import { capitalised, descriptionOf, templateOf } from './descriptions.ts'
import { createExamples } from './examples.ts'
import { createResponses } from './responses.ts'

export type OpenApiDocument = Readonly<Record<string, unknown>>

/**
 * The OpenAPI 3.1 document of a contract, from the same list that is mounted. Pages for people are left out. Throws where a shape
 * that occurs more than once has no name, or a field no example.
 * @param routes those that a listener serves; all of them when absent
 */
export function openApiOf(contract: Contract, routes: readonly Route[] = contract.routes): OpenApiDocument {
  const { documentation, title, browser } = contract
  const accessCookie = browser?.accessCookie
  const components = createComponents(documentation)
  const examples = createExamples(documentation, components)
  const responses = createResponses(contract, components, examples)
  const paths: Record<string, Record<string, unknown>> = {}
  const documented = routes.filter(({ html }) => !html)
  const ids = documented.map(operationIdOf)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new Error(`OpenAPI: two operations are called ${twice}`)

  for (const route of documented) {
    const path = templateOf(route.url)
    const operation = {
      operationId: operationIdOf(route),
      summary: route.summary,
      description: descriptionOf(contract, route),
      tags: [route.tag],
      security: securityOf(contract, route),
      ...parametersOf(contract, route, components),
      ...requestBodyOf(route, components, examples),
      responses: responses.of(route),
    }
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation }
  }
  const used = new Set(documented.map(({ tag }) => tag))
  return {
    openapi: '3.1.0',
    info: {
      title,
      version: '1.0.0',
      description: documentation.description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document was read' }],
    tags: Object.entries(documentation.tags)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components.definitions,
      responses: responses.shared,
      ...(documented.some(({ idempotent }) => idempotent) && { parameters: { IdempotencyKey: idempotencyKey } }),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token of a sign-in' },
        ...(accessCookie && {
          cookie: {
            type: 'apiKey',
            in: 'cookie',
            name: accessCookie,
            description: 'What a sign-in left in the browser',
          },
        }),
        ...(documented.some(({ access }) => letsServicesIn(access)) && {
          service: { type: 'http', scheme: 'bearer', description: 'The token that services of one installation share' },
        }),
      },
    },
  }
}

/** The name of an operation, which generated clients call it by. */
function operationIdOf({ operationId, aliasOf, method, url }: Route): string {
  if (operationId === undefined) throw new Error(`OpenAPI: ${method} ${url} has no name; see operations.ts`)
  return aliasOf === undefined ? operationId : `${operationId}Alias`
}

const letsServicesIn = (access: Route['access']): boolean => access === 'service' || access === 'person_or_service'

function securityOf({ browser }: Contract, { access }: Route): object[] {
  const people = [{ bearer: [] }, ...(browser?.accessCookie ? [{ cookie: [] }] : [])]
  if (access === 'public') return []
  return [...(access === 'service' ? [] : people), ...(letsServicesIn(access) ? [{ service: [] }] : [])]
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Any text of your own. A call repeated with the same one gets the first answer again and does nothing twice.',
  schema: { type: 'string', maxLength: 255 },
}

function parametersOf({ documentation }: Contract, route: Route, components: Components) {
  const { params, query, headers = {}, idempotent } = route
  const inSchema = (schema: TSchema | undefined, place: 'path' | 'query') => {
    const { properties = {}, required = [] } = (schema ?? {}) as {
      properties?: Record<string, TSchema>
      required?: readonly string[]
    }
    return Object.entries(properties).map(([name, property]) => {
      const { example, meaning: description } = documentation.fields[`${place}.${name}`] ?? {}
      if (description === undefined) throw new Error(`OpenAPI: ${place}.${name} of ${route.url} has no description`)
      return {
        name,
        in: place,
        description,
        ...(required.includes(name) && { required: true }),
        schema: components.inline(property),
        ...(example !== undefined && { example }),
      }
    })
  }
  const parameters = [
    ...inSchema(params, 'path'),
    ...inSchema(query, 'query'),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: 'header',
      description,
      schema: { type: 'string' },
    })),
    ...(idempotent ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
  ]
  return parameters.length > 0 && { parameters }
}

function requestBodyOf(route: Route, components: Components, examples: ReturnType<typeof createExamples>) {
  const { body, upload } = route
  if (upload) {
    const file = { type: 'string', format: 'binary', description: 'The file, whatever it is called' }
    const schema = { type: 'object', required: [upload.field], properties: { [upload.field]: file } }
    return { requestBody: { required: true, content: { 'multipart/form-data': { schema } } } }
  }
  if (!body) return undefined
  const schema = components.refer(body, `${capitalised(route.operationId ?? '')}Request`)
  return {
    requestBody: { required: true, content: { 'application/json': { schema, example: examples(body, 'request') } } },
  }
}
