import type { Components, Json } from './components.ts'
import type { Documentation } from './documentation.ts'

/**
 * Composes examples of shapes from those of their fields. A field without one is an error, so that no example has holes.
 * @returns for a schema: its example, of an answer without the fields that may be absent, of a request with those we know one of
 */
export function createExamples({ fields }: Documentation, { nameOf }: Pick<Components, 'nameOf'>) {
  const compose = (schema: unknown, request: boolean, owner: string, field: string): unknown => {
    const name = nameOf(schema)
    const entry = (name && fields[name]) || (field && (fields[`${owner}.${field}`] ?? fields[field]))
    if (entry && 'example' in entry) return entry.example
    const { type, properties, items, anyOf, required = [], ...rest } = schema as Shape
    if ('const' in rest) return rest.const
    if (rest.enum) return rest.enum[0]
    const within = name ?? owner
    if (properties) {
      const shown = Object.keys(properties).filter(
        (key) => required.includes(key) || (request && (fields[`${within}.${key}`] ?? fields[key])),
      )
      return Object.fromEntries(shown.map((key) => [key, compose(properties[key], request, within, key)]))
    }
    if (items) return [compose(items, request, within, '')]
    if (anyOf) return compose(anyOf[0], request, within, field)
    if (type === 'boolean') return true
    throw new Error(`OpenAPI: no example of ${[within, field].filter(Boolean).join('.')}`)
  }
  return (schema: object, kind: 'request' | 'answer'): unknown => compose(schema, kind === 'request', '', '')
}

interface Shape extends Json {
  type?: string
  properties?: Json
  items?: unknown
  anyOf?: readonly unknown[]
  required?: readonly string[]
  enum?: readonly unknown[]
}
