/** The names that were likely meant by one that is not known, best first: at most a third of their letters differ. */
export function nearest(text: string, names: readonly string[]): string[] {
  const wanted = text.toLowerCase()
  return names
    .map((name) => ({ name, distance: distanceOf(wanted, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3)))
    .sort((one, other) => one.distance - other.distance)
    .map(({ name }) => name)
}

/** ` Did you mean "…"?` for the end of a message, with as many names as `most`; nothing when no name is near. */
export function suggestion(text: string, names: readonly string[], most = 1): string {
  const near = nearest(text, names).slice(0, most)
  return near.length === 0 ? '' : ` Did you mean ${near.map((name) => `"${name}"`).join(' or ')}?`
}

/** Letters to insert, remove, replace or exchange with their neighbour (optimal string alignment). */
function distanceOf(one: string, other: string): number {
  let before: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row += 1) {
    const present = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1]
      const exchanged = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      present.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (present[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          exchanged ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    before = last
    last = present
  }
  return last[other.length] ?? 0
}
