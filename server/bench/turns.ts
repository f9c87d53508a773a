import { median } from './result.ts'

const rounds = 3

/** Two figures in turns, so that what else the machine does falls on both; gives the medians of each and of their ratio. */
export async function inTurns(ours: () => Promise<number>, theirs: () => Promise<number>) {
  const pairs: { ours: number; theirs: number }[] = []
  for (let round = 0; round < rounds; round += 1) pairs.push({ ours: await ours(), theirs: await theirs() })
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    theirs: median(pairs.map((pair) => pair.theirs)),
    ratio: median(pairs.map((pair) => pair.ours / pair.theirs)),
  }
}
