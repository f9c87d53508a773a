/** How far a long command has come. */
export interface Progress {
  /** @param done what is done by now, from 1 */
  step(doing: string, done: number): void
  /** Takes the line away. */
  end(): void
}

/** Steps between two lines. */
const stride = 1_000

/** One line at a terminal that is written over; elsewhere nothing, so that a log has no pieces of it. */
export function showProgress(output: { isTTY?: boolean; write(text: string): unknown } = process.stderr): Progress {
  let shown = false
  return {
    step(doing, done) {
      if (!output.isTTY || done % stride !== 0) return
      shown = true
      output.write(`\r\u001b[K${doing}: ${done} lines`)
    },
    end() {
      if (shown) output.write('\r\u001b[K')
      shown = false
    },
  }
}
