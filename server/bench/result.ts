/** One figure with the bar it has to reach (DESIGN, "Speed and size"). */
export interface Result {
  what: string
  measured: string
  /** Absent for a figure that is shown and need not reach anything. */
  bar?: string
  met: boolean
}

export const table = (results: readonly Result[]): string => {
  const width = Math.max(...results.map(({ what }) => what.length))
  const measured = Math.max(...results.map((result) => result.measured.length))
  const line = ({ what, bar, met, ...result }: Result) => {
    const verdict = bar === undefined ? '    ' : met ? 'ok  ' : 'MISS'
    const text = `${verdict} ${what.padEnd(width)}  ${result.measured.padEnd(measured)}  ${bar === undefined ? '' : `bar ${bar}`}`
    return text.trimEnd()
  }
  return results.map(line).join('\n')
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
