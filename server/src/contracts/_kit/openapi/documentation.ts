import type { TSchema } from 'typebox'

/** What a contract's OpenAPI document says beside what its routes say themselves. */
export interface Documentation {
  /** What the contract is, and how a reader begins; Markdown. */
  description: string
  /** What each heading of the routes is about, in the order of the document. */
  tags: Readonly<Record<string, string>>
  /** Shapes that occur more than once, by the names that generated clients give them. `Failure` is the error form. */
  schemas: Readonly<Record<string, TSchema>> & { Failure: TSchema }
  /**
   * An example of each field, and what it means where its name does not say it, with units. `Product.name` is the field of that
   * shape, `path.id` and `query.type` are parameters, `LoginRequest` is a whole shape. Queries are shown without examples: whoever
   * tries one means to leave out most of it. Failures show what the contract's error table says.
   */
  fields: Readonly<Record<string, { example?: unknown; meaning?: string }>>
}
