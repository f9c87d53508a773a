const bodies = new WeakSet<object>()
const texts = new WeakMap<object, string>()

/**
 * A presenter that presents the same source once. For what a service's read cache hands out again and again: as long as the
 * source is the same object, so are the body and its serialised text.
 */
export function remembered<Source extends object, Body extends object>(
  present: (source: Source) => Body,
): (source: Source) => Body {
  const known = new WeakMap<Source, Body>()
  return (source) => {
    let body = known.get(source)
    if (!body) {
      body = present(source)
      known.set(source, body)
      bodies.add(body)
    }
    return body
  }
}

/** The JSON of a remembered body, serialised at its first use; undefined for a body that is not remembered. */
export function rememberedText(
  body: unknown,
  serialize: (body: Record<string, unknown>) => string,
): string | undefined {
  if (typeof body !== 'object' || body === null || !bodies.has(body)) return undefined
  let text = texts.get(body)
  if (text === undefined) {
    // Serialisers build a text of many pieces; reading it back from bytes leaves one, which is what sockets want.
    text = Buffer.from(serialize(body as Record<string, unknown>)).toString()
    texts.set(body, text)
  }
  return text
}
