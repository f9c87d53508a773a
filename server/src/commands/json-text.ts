/** Wider than code: a schema, or an answer with its example, is read as one. */
const lineWidth = 160

/** JSON as people format it: an object or a list that fits into one line stands in one. */
export function jsonText(value: unknown, indent = '', before = 0): string {
  // Texts hold no line ends of their own in JSON.
  const short = JSON.stringify(value, null, 1)
    .replaceAll(/(?<=\[)\n\s*|\n\s*(?=\])/g, '')
    .replaceAll(/\n\s*/g, ' ')
  if (typeof value !== 'object' || value === null || before + short.length <= lineWidth) return short
  const inner = `${indent}  `
  const block = ([open, close]: string, parts: string[]) =>
    `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`
  if (Array.isArray(value))
    return block(
      '[]',
      value.map((one) => jsonText(one, inner, inner.length)),
    )
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return block(
    '{}',
    entries.map(([key, one]) => {
      const name = `${JSON.stringify(key)}: `
      return `${name}${jsonText(one, inner, inner.length + name.length)}`
    }),
  )
}
