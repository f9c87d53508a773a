/** Every memoized body, with its text once somebody asked for it. */
const texts = new WeakMap<object, { text: string | undefined }>()

/**
 * A presenter that presents the same source once. For what a service's read cache hands out again and again: as long as the
 * source is the same object, so are the body and its serialised text.
 */
export function memoize<Source extends object, Body extends object>(
  present: (source: Source) => Body,
): (source: Source) => Body {
  const known = new WeakMap<Source, Body>()
  return (source) => {
    let body = known.get(source)
    if (!body) {
      body = present(source)
      known.set(source, body)
      texts.set(body, { text: undefined })
    }
    return body
  }
}

/** The JSON of a memoized body, serialised at its first use; undefined for a body that is none. */
export function memoizedText(body: unknown, serialize: (body: Record<string, unknown>) => string): string | undefined {
  const slot = typeof body === 'object' && body !== null ? texts.get(body) : undefined
  if (!slot) return undefined
  // Serialisers build a text of many pieces; reading it back from bytes leaves one, which is what sockets want.
  slot.text ??= Buffer.from(serialize(body as Record<string, unknown>)).toString()
  return slot.text
}
