import type { TSchema } from 'typebox'
import type { Documentation } from './documentation.ts'

/** A schema as JSON. */
export type Json = Readonly<Record<string, unknown>>

export type Components = ReturnType<typeof createComponents>

/** The shapes of a document, each told once. They are the same when their JSON is: wrapping and spreading a schema makes new objects. */
export function createComponents({ schemas, fields }: Documentation) {
  const names = new Map<string, string>()
  const definitions: Record<string, unknown> = {}
  const owners = new Map<string, string>()

  const name = (schema: unknown, wanted: string) => {
    const text = JSON.stringify(schema)
    const taken = [...names].find(([, other]) => other === wanted)
    if (names.has(text) || taken)
      throw new Error(`OpenAPI: the shape ${wanted} and ${names.get(text)} are one name too many`)
    names.set(text, wanted)
  }
  /** The declared or derived name of a shape. */
  const nameOf = (schema: unknown) => names.get(JSON.stringify(schema))

  const refer = (schema: unknown): { $ref: string } => {
    const known = nameOf(schema)
    if (known === undefined) throw new Error(`OpenAPI: no name for ${JSON.stringify(schema)}`)
    if (!(known in definitions)) {
      // Before its parts, so that a shape that has itself as a part ends.
      definitions[known] = {}
      definitions[known] = parts(schema, known)
    }
    return { $ref: `#/components/schemas/${known}` }
  }
  /**
   * A schema with references in place of the named shapes in it.
   * @param owner the shape whose fields these are
   */
  const inline = (schema: unknown, owner?: string): unknown => (nameOf(schema) ? refer(schema) : parts(schema, owner))
  const parts = (schema: unknown, owner = ''): unknown => {
    if (Array.isArray(schema)) return schema.map((one) => inline(one, owner))
    if (typeof schema !== 'object' || schema === null) return schema
    const { properties, ...others } = schema as { properties?: Json }
    if (properties && owner) remember(schema, owner)
    return {
      ...Object.fromEntries(Object.entries(others).map(([key, value]) => [key, inline(value, owner)])),
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties).map(([field, value]) => [field, described(inline(value, owner), owner, field)]),
        ),
      }),
    }
  }
  const described = (schema: unknown, owner: string, field: string) => {
    const { meaning: description } = fields[`${owner}.${field}`] ?? fields[field] ?? {}
    return description === undefined || '$ref' in (schema as Json) ? schema : { description, ...(schema as Json) }
  }
  const remember = (schema: object, owner: string) => {
    const text = JSON.stringify(schema)
    const other = owners.get(text)
    if (other !== undefined && !names.has(text))
      throw new Error(`OpenAPI: a part of ${other} and ${owner} needs a name`)
    owners.set(text, owner)
  }

  for (const [wanted, schema] of Object.entries(schemas)) name(schema, wanted)
  return {
    /** The reference to a shape, under its declared name or, when it has none, `derived`, which then no other shape may have. */
    refer(schema: TSchema, derived: string) {
      const known = nameOf(schema)
      if (known === undefined) name(schema, derived)
      else if (known !== derived && !(known in schemas))
        throw new Error(`OpenAPI: the shape of ${known} and ${derived} needs a name of its own`)
      return refer(schema)
    },
    nameOf,
    inline,
    /** Every shape that was referred to, by name. */
    definitions,
  }
}
