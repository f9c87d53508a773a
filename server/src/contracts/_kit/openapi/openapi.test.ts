import Type from 'typebox'
import { expect, test } from 'vitest'
import type { Contract, Route } from '../contract.ts'
import { operations } from '../operations.ts'
import type { Documentation } from './documentation.ts'
import { openApiOf } from './index.ts'

const Failure = Type.Object({ error: Type.String() })
const Cat = Type.Object({ name: Type.String(), lives: Type.Integer() })

const some = (url: string, more: Partial<Route> = {}): Route => ({
  service: 'identity',
  method: 'GET',
  url,
  summary: 'Something',
  access: 'public',
  limit: 'read',
  replies: { 200: Type.Object({ ok: Type.Boolean() }) },
  handler: async () => ({ status: 200, body: { ok: true } }),
  ...more,
})

const documentation: Documentation = {
  description: 'A desk.',
  tags: { Cats: 'Who sits on it', Dogs: 'Who does not' },
  schemas: { Failure, Cat },
  fields: {
    name: { example: 'Minou', meaning: 'As it is called' },
    'Cat.lives': { example: 9, meaning: 'Of nine' },
    'Failure.at': { example: 0 },
    lives: { example: 1 },
    'path.id': { example: '1', meaning: 'Whose' },
  },
}

// Only what the document is made from.
const contract = (routes: readonly Route[], more: Partial<Documentation> = {}) =>
  ({
    name: 'desk',
    title: 'Desk',
    routes,
    failureSchema: Failure,
    errors: { known: { status: 404, code: 'NONE', message: 'There is none' } },
    failure: ({ message }: { message: string }) => ({ error: message, at: Date.now() }),
    documentation: { ...documentation, ...more },
    limits: {
      credentials: [
        { points: 2, seconds: 1 },
        { points: 5, seconds: 900 },
      ],
      mail: { points: 3, seconds: 60 },
      read: { points: 9, seconds: 60 },
      write: { points: 8, seconds: 60 },
    },
    realm: {
      policy: { roles: { permissions: { keeper: ['accounts:read'], owner: ['accounts:read', 'orders:manage'] } } },
    },
  }) as unknown as Contract

interface Operation {
  operationId: string
  description: string
  tags: string[]
  security: unknown
  parameters?: { name: string }[]
  requestBody?: { content: Record<string, { schema: unknown; example: unknown }> }
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: unknown; example: unknown }> }>
}
interface Document {
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown>; responses: Record<string, unknown>; securitySchemes: object }
}
const nothing: Pick<Operation, 'responses'> = { responses: {} }
const documentOf = (routes: Record<string, Route>, more?: Partial<Documentation>) =>
  openApiOf(contract(operations('Cats', routes), more)) as unknown as Document
const operationOf = (route: Route) => Object.values(documentOf({ one: route }).paths)[0]?.[route.method.toLowerCase()]

test.each([
  ['public', [], false, 'Open to everybody.'],
  ['person', [{ bearer: [] }], false, 'For whoever is signed in.'],
  ['person_or_service', [{ bearer: [] }, { service: [] }], false, 'and for other services.'],
  ['service', [{ service: [] }], false, 'For other services only.'],
  ['accounts:read', [{ bearer: [] }], true, 'For the role `keeper` or `owner`.'],
  ['orders:manage', [{ bearer: [] }], true, 'For the role `owner`.'],
] as const)('%s: who may call, and what they may be refused with', (access, security, forbidden, told) => {
  const operation = operationOf(some('/a', { access }))
  expect(operation?.security).toEqual(security)
  expect('401' in (operation?.responses ?? {})).toBe(access !== 'public')
  expect('403' in (operation?.responses ?? {})).toBe(forbidden)
  expect(operation?.description).toContain(told)
  const schemes = Object.keys(documentOf({ one: some('/a', { access }) }).components.securitySchemes)
  expect(schemes.includes('service')).toBe(access.includes('service'))
})

test.each([
  ['mail', 'public', 'At most 3 calls in a minute for one address.'],
  ['credentials', 'person', 'At most 2 calls in a second, 5 calls in 15 minutes for one account.'],
  ['read', 'public', 'At most 9 calls that read in a minute for one address.'],
] as const)('the limit %s is told', (limit, access, text) => {
  expect(operationOf(some('/a', { limit, access }))?.description).toContain(text)
})

test('only what is served is told, with its headings, and no page for people', () => {
  const routes = [
    ...operations('Dogs', { a: some('/a/:id', { params: Type.Object({ id: Type.String() }) }) }),
    ...operations('Cats', { b: some('/b') }),
    some('/page', { html: true }),
  ]
  const named = { schemas: { ...documentation.schemas, Ok: Type.Object({ ok: Type.Boolean() }) } }
  const told = (served?: Route[]) => openApiOf(contract(routes, named), served) as unknown as Document
  expect(Object.keys(told().paths)).toEqual(['/a/{id}', '/b'])
  expect(told().tags.map(({ name }) => name)).toEqual(['Cats', 'Dogs'])
  expect(Object.keys(told(routes.slice(1)).paths)).toEqual(['/b'])
  expect(told(routes.slice(1)).tags.map(({ name }) => name)).toEqual(['Cats'])
})

test('methods of one path stand together, in the order of the routes', () => {
  const replies = { 200: Cat }
  const { paths } = documentOf({ read: some('/a', { replies }), remove: some('/a', { method: 'DELETE', replies }) })
  expect(Object.values(paths['/a'] ?? {}).map(({ operationId }) => operationId)).toEqual(['read', 'remove'])
})

test('an alias is told as one, by the same shapes and with a name of its own', () => {
  const body = Type.Object({ name: Type.String() })
  const routes = operations('Cats', { call: some('/call', { method: 'POST', body }) }, { call: '/v1/call' })
  expect(routes.map(({ url, aliasOf }) => [url, aliasOf])).toEqual([
    ['/call', undefined],
    ['/v1/call', '/call'],
  ])
  const { paths, components } = openApiOf(contract(routes)) as unknown as Document
  expect(paths['/v1/call']?.post?.operationId).toBe('callAlias')
  expect(paths['/v1/call']?.post?.description).toContain('Another address of `POST /call`.')
  expect(Object.keys(components.schemas).sort()).toEqual(['CallRequest', 'CallResponse', 'Failure'])
})

test('an answer without content has none', () => {
  const { responses } = operationOf(some('/a', { replies: { 204: Type.Null() } })) ?? nothing
  expect(responses['204']).toEqual({ description: 'Done; there is nothing to say' })
})

test('failures in the contract’s form are told once, a failure of another form where it occurs', () => {
  const { paths, components } = documentOf({
    one: some('/a', { replies: { 200: Cat, 404: Failure, 409: Type.Object({ name: Type.String() }) } }),
  })
  const { responses } = paths['/a']?.get ?? nothing
  expect(responses['404']).toEqual({ $ref: '#/components/responses/NotFound' })
  expect(responses['500']).toEqual({ $ref: '#/components/responses/InternalServerError' })
  expect(responses['409']?.content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/OneConflict' })
  const json = (example: unknown) => ({
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' }, example } },
  })
  expect(components.responses.NotFound).toMatchObject(json({ error: 'There is none', at: 0 }))
  expect(components.responses.InternalServerError).toMatchObject(json(undefined))
  expect('413' in responses).toBe(false)
  expect('413' in (operationOf(some('/a', { method: 'POST' }))?.responses ?? {})).toBe(true)
})

test('shapes are referred to by name wherever they are, and fields tell what they mean', () => {
  const replies = { 200: Type.Object({ cats: Type.Array(Cat), first: Type.Union([Cat, Type.Null()]) }) }
  const { components, paths } = documentOf({ listCats: some('/cats', { replies }) })
  expect(components.schemas.Cat).toMatchObject({
    properties: { name: { description: 'As it is called' }, lives: { description: 'Of nine' } },
  })
  expect(components.schemas.ListCatsResponse).toMatchObject({
    properties: {
      cats: { items: { $ref: '#/components/schemas/Cat' } },
      first: { anyOf: [{ $ref: '#/components/schemas/Cat' }, { type: 'null' }] },
    },
  })
  const minou = { name: 'Minou', lives: 9 }
  expect(paths['/cats']?.get?.responses['200']?.content?.['application/json']?.example).toEqual({
    cats: [minou],
    first: minou,
  })
})

test('a request shows what may be absent, an answer does not; a whole shape’s example comes first', () => {
  const Part = Type.Object({ lives: Type.Integer(), name: Type.Optional(Type.String()), x: Type.Optional(Type.Null()) })
  const parts = (more?: Partial<Documentation>) => {
    const schemas = { Failure, Part }
    const route = some('/a', { method: 'POST', body: Part, replies: { 200: Part } })
    const operation = documentOf({ send: route }, { schemas, ...more }).paths['/a']?.post
    return [
      operation?.requestBody?.content['application/json']?.example,
      operation?.responses['200']?.content?.['application/json']?.example,
    ]
  }
  expect(parts()).toEqual([{ lives: 1, name: 'Minou' }, { lives: 1 }])
  const whole = { lives: 7 }
  expect(parts({ fields: { ...documentation.fields, Part: { example: whole } } })).toEqual([whole, whole])
})

test.each([
  ['a route without a name', () => openApiOf(contract([some('/a')])), /\/a has no name/],
  [
    'two operations of one name',
    () => openApiOf(contract([...operations('Cats', { a: some('/a') }), ...operations('Cats', { a: some('/b') })])),
    /two operations are called a/,
  ],
  [
    'two answers of one shape without a name',
    () => documentOf({ a: some('/a'), b: some('/b') }),
    /AResponse and BResponse/,
  ],
  [
    'a part that occurs twice without a name',
    () => {
      const tail = Type.Object({ name: Type.String() })
      const body = Type.Object({ tail })
      return documentOf({ a: some('/a', { method: 'POST', body, replies: { 200: Type.Array(tail) } }) })
    },
    /a part of ARequest and AResponse needs a name/,
  ],
  [
    'one shape of two names',
    () => documentOf({ a: some('/a') }, { schemas: { Failure, Cat, Dog: Cat } }),
    /Dog and Cat/,
  ],
  [
    'a field without an example',
    () => documentOf({ a: some('/a', { replies: { 200: Type.Object({ tail: Type.String() }) } }) }),
    /no example of AResponse\.tail/,
  ],
  [
    'a parameter that nobody explains',
    () => documentOf({ a: some('/a', { query: Type.Object({ tail: Type.String() }) }) }),
    /query\.tail of \/a has no description/,
  ],
])('%s is an error', (_, make, message) => {
  expect(make).toThrow(message)
})
