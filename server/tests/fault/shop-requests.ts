import fc from 'fast-check'
import type { TSchema } from 'typebox'
import type { Route } from '../../src/contracts/_kit/contract.ts'
import { shop } from '../../src/contracts/shop/index.ts'
import type { RawRequest } from './raw-http.ts'

/** Who sends a generated request; the test puts a token in. */
export type Sender = 'nobody' | 'person' | 'administrator'

export interface GeneratedRequest extends RawRequest {
  sender: Sender
  /** The route it is meant for; undefined for a path out of the blue. */
  route: Route | undefined
}

const strangeTexts = fc.constantFrom(
  '',
  ' ',
  '\0',
  'a\0b',
  '\u202e',
  '\ud800',
  '😀'.repeat(50),
  'x'.repeat(5_000),
  "'; DROP TABLE orders; --",
  '%s%n',
  '{{7*7}}',
  '__proto__',
  'constructor',
  'NaN',
  '-1',
  '../../etc/passwd',
  'ＡＤＭＩＮ',
  'ADMIN',
  'İi̇',
)
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 20 }), strangeTexts)
const strangeNumbers = fc.constantFrom(0, -0, -1, 1.5, 1001, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 5e-324)
const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), text, strangeNumbers)

/** What a schema's JSON form may hold, as far as the shop's bodies use it. */
interface SchemaForm {
  type?: string
  const?: unknown
  anyOf?: SchemaForm[]
  properties?: Record<string, SchemaForm>
  required?: string[]
  items?: SchemaForm
  minimum?: number
  maximum?: number
  maxLength?: number
}

/** Values that fit a schema, mostly ones that mean something to the shop. */
function fitting(schema: SchemaForm): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fitting))
  switch (schema.type) {
    case 'object': {
      const { properties = {}, required = [] } = schema
      const fields = Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, fitting(of)]))
      return fc.record(fields, { requiredKeys: required })
    }
    case 'array':
      return fc.array(fitting(schema.items ?? {}), { minLength: 1, maxLength: 4 })
    case 'integer':
      return fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: schema.minimum ?? -5, max: 1_100 }))
    case 'string':
      return fc.oneof(
        fc.stringMatching(/^[a-z]{2,8}@?[a-z.]{2,8}$/),
        fc.constantFrom('admin', 'person', 'long enough'),
        text,
      )
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      return anything
  }
}

/** One thing wrong, anywhere in a value. */
function spoilt(value: unknown, path: number, other: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && path % 3 > 0) {
    const at = path % value.length
    if (path % 7 === 0) return [...value, ...value]
    return value.map((item, index) => (index === at ? spoilt(item, Math.floor(path / 3), other) : item))
  }
  if (typeof value === 'object' && value !== null && path % 5 > 0) {
    const names = Object.keys(value)
    const name = names[path % Math.max(names.length, 1)]
    if (name === undefined || path % 11 === 0) return { ...value, [String(other).slice(0, 20)]: other }
    const { [name]: inner, ...rest } = value as Record<string, unknown>
    return path % 4 === 0 ? rest : { ...rest, [name]: spoilt(inner, Math.floor(path / 5), other) }
  }
  return other
}

const proto = (inner: unknown) => `{"__proto__":${JSON.stringify(inner)},"constructor":{"prototype":{"admin":true}}}`

function bodyOf(route: Route | undefined): fc.Arbitrary<Buffer> {
  const schema = (route?.body ?? { type: 'object' }) as TSchema as SchemaForm
  const good = fitting(schema)
  const json = (values: fc.Arbitrary<unknown>) => values.map((value) => Buffer.from(JSON.stringify(value) ?? ''))
  return fc.oneof(
    { weight: 6, arbitrary: json(good) },
    { weight: 6, arbitrary: json(fc.tuple(good, fc.nat(), anything).map((args) => spoilt(...args))) },
    { weight: 3, arbitrary: json(anything) },
    { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    // Cut off, and text that is not UTF-8.
    { weight: 1, arbitrary: fc.tuple(json(good), fc.nat(60)).map(([bytes, at]) => bytes.subarray(0, at)) },
    {
      weight: 1,
      arbitrary: json(good).map((bytes) => Buffer.from(bytes.toString('latin1').replace(/[a-z]/g, '\xff'), 'latin1')),
    },
    { weight: 1, arbitrary: good.map((value) => Buffer.from(proto(value))) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        Buffer.from('['.repeat(50_000)),
        Buffer.from(`${'{"items":'.repeat(3_000)}1${'}'.repeat(3_000)}`),
        Buffer.from('{"items":[{"product_id":1e400,"quantity":1}]}'),
        Buffer.from(`{"username":${'9'.repeat(2_000)},"password":-0}`),
        Buffer.from('{"items":[{"product_id":1,"quantity":1}],"items":[]}'),
        Buffer.from('\ufeff{}'),
        Buffer.alloc(300_000, 'x'),
      ),
    },
  )
}

/** A header's value as Node lets it in: no control characters, else the parser refuses before us. */
const headerValue = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc
    .uint8Array({ min: 0x20, max: 0xff, maxLength: 60 })
    .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\x7f', '')),
  fc.constantFrom('', 'x'.repeat(9_000), ', , ,', '"', '127.0.0.1', '::1, 1.2.3.4', 'null', '0', '1e99'),
)
const header = fc.tuple(
  fc.constantFrom(
    'Accept',
    'Accept-Encoding',
    'Access-Control-Request-Method',
    'Cookie',
    'If-None-Match',
    'Idempotency-Key',
    'Origin',
    'Range',
    'Referer',
    'traceparent',
    'User-Agent',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Internal-Token',
    'X-Request-Id',
    'X-User-Id',
    '__proto__',
  ),
  headerValue,
)
const contentType = fc
  .oneof(
    { weight: 8, arbitrary: fc.constant('application/json') },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'text/plain',
        'application/json; charset=utf-16',
        'multipart/form-data',
        'application/x-www-form-urlencoded',
        'application/json, text/html',
        ';;;',
        '*/*',
      ),
    },
    { weight: 1, arbitrary: headerValue },
  )
  .map((value) => ['Content-Type', value] as const)
const strangeAuthorization = headerValue.chain((value) =>
  fc.constantFrom(value, `Bearer ${value}`, 'Bearer', `Basic ${value}`, 'Bearer a.b.c', `Bearer ${'e'.repeat(10_000)}`),
)

/** Percent signs of all kinds, dots, slashes, bytes above ASCII; no blanks, which would end the target. */
const segment = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 2, max: 40 }).map(String) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '0',
      '-1',
      '1.5',
      '1e3',
      '007',
      '9'.repeat(15),
      '9'.repeat(99),
      '9'.repeat(400),
      'x'.repeat(3_000),
      '%00',
      '%',
      '%zz',
      '%2',
      '%c3%28',
      '%ff',
      '%2e%2e',
      '..',
      '.',
      '%2f',
      '%5c',
      ';',
      'profile',
      'PROFILE',
      'é',
      '%F0%9F%98%80',
      '__proto__',
      'constructor',
    ),
  },
  { weight: 2, arbitrary: fc.webSegment({ size: 'small' }) },
)
const queryString = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom('limit', 'offset', 'limit[]', 'limit[x]', '__proto__', '%00', '%zz', 'q'),
          fc.oneof(
            fc.integer({ min: -5, max: 1_500 }).map(String),
            fc.constantFrom(
              '',
              '1e3',
              '0x10',
              'NaN',
              'Infinity',
              '%',
              '%00',
              '9'.repeat(30),
              'x'.repeat(2_000),
              '1&limit=2',
              'é',
            ),
          ),
        ),
        { maxLength: 4 },
      )
      .map((pairs) => `?${pairs.map((pair) => pair.join('=')).join('&')}`),
  },
  { weight: 1, arbitrary: fc.webQueryParameters({ size: 'small' }).map((query) => `?${query}?#${query}`) },
)

/** UTF-8, one byte a character; a blank would end the target, and Node refuses control characters before us. */
const onTheWire = (target: string): string =>
  [...Buffer.from(target)].map((byte) => (byte <= 0x20 || byte === 0x7f ? '_' : String.fromCharCode(byte))).join('')

/** The path of a route with its parameters filled in; an account that tests need is not deleted. */
const targetOf = ({ url }: Route) =>
  fc.tuple(segment, queryString).map(([id, query]) => onTheWire(url.replace(':id', id) + query))

const strangePath = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constantFrom('', 'auth', 'users', 'orders', 'products', 'internal', 'health')), {
      maxLength: 6,
    }),
    queryString,
  )
  .map(([segments, query]) => onTheWire(`/${segments.join('/')}${query}`))

const sender = fc.constantFrom<Sender>('nobody', 'person', 'person', 'administrator')

const assembled = (
  route: Route | undefined,
  method: fc.Arbitrary<string>,
  target: fc.Arbitrary<string>,
): fc.Arbitrary<GeneratedRequest> =>
  fc
    .record({
      method,
      target,
      sender,
      body: bodyOf(route),
      type: fc.option(contentType, { freq: 12 }),
      authorization: fc.oneof(
        { weight: 7, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: strangeAuthorization.map((value) => ['Authorization', value] as const) },
      ),
      others: fc.array(header, { maxLength: 3 }),
    })
    .map(({ type, authorization, others, ...request }) => ({
      ...request,
      // Strange credentials take the place of a token.
      sender: authorization ? 'nobody' : request.sender,
      route,
      headers: [type, authorization, ...others].filter((entry) => entry !== null),
      [fc.toStringMethod]: () =>
        `${request.method} ${request.target} as ${request.sender} with ${JSON.stringify([type, authorization, ...others])} and ${JSON.stringify(request.body.toString('latin1').slice(0, 300))}`,
    }))

/** Requests to every route of the shop alike, and some to no route at all. */
export const shopRequest: fc.Arbitrary<GeneratedRequest> = fc.oneof(
  ...shop.routes.map((route) => ({
    weight: 2,
    arbitrary: assembled(route, fc.constant(route.method), targetOf(route)),
  })),
  {
    weight: 3,
    arbitrary: assembled(
      undefined,
      fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'),
      strangePath,
    ),
  },
)
