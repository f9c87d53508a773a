import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'

export type Output = ReturnType<typeof openOutput>

export interface OutputOptions {
  /** Bytes that may wait for a slow reader or a full disk; what comes on top is dropped. */
  mostBytes?: number
  /** Told how many texts were dropped, once everything that waited has been written. */
  onRecovered?: (dropped: number) => void
}

/** How soon a full pipe is tried again, and a disk or terminal that failed, in milliseconds. */
const retryMs = { full: 10, failed: 1_000 }
/** How long the end of the process waits for who reads slowly, in milliseconds. */
const lastWordsMs = 500
const batchBytes = 64 * 1_024

type Drained = 'written' | keyof typeof retryMs
const drains: (() => Drained)[] = []
process.once('exit', () => {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (const drain of drains) {
    for (let waitedMs = 0; drain() === 'full' && waitedMs < lastWordsMs; waitedMs += retryMs.full) {
      Atomics.wait(sleeper, 0, 0, retryMs.full)
    }
  }
})

/**
 * Writes to stdout (1) or stderr (2), and waits for nobody: a pipe that nobody reads, a terminal that was closed or a full disk
 * costs lines and holds up nothing, also not the end of the process. Node's own streams write to pipes and terminals in one go,
 * and stand still when these do.
 */
export function openOutput(fd: 1 | 2, { mostBytes = 8 * 1_024 ** 2, onRecovered }: OutputOptions = {}) {
  const target = neverBlocking(fd)
  const waiting: Buffer[] = []
  let bytes = 0
  let dropped = 0
  let unreported = 0
  let next: NodeJS.Timeout | NodeJS.Immediate | undefined

  const drain = (): Drained => {
    while (waiting.length > 0) {
      const batch = takeBatch(waiting)
      try {
        const written = writeSync(target, batch)
        bytes -= written
        if (written < batch.length) waiting.unshift(batch.subarray(written))
      } catch (error) {
        waiting.unshift(batch)
        return isFull(error) ? 'full' : 'failed'
      }
    }
    return 'written'
  }
  const run = () => {
    next = undefined
    const result = drain()
    if (result !== 'written') {
      next = setTimeout(run, retryMs[result])
      next.unref()
    } else if (unreported > 0) {
      const count = unreported
      unreported = 0
      onRecovered?.(count)
    }
  }

  drains.push(drain)
  return {
    write(text: string): void {
      const line = Buffer.from(text)
      if (bytes + line.length > mostBytes) {
        dropped += 1
        unreported += 1
        return
      }
      waiting.push(line)
      bytes += line.length
      // What is written in one turn of the event loop goes together.
      next ??= setImmediate(run)
    },
    /** Texts that were dropped since the start. */
    dropped: () => dropped,
  }
}

function takeBatch(waiting: Buffer[]): Buffer {
  let count = 0
  for (let size = 0; count < waiting.length && (count === 0 || size < batchBytes); count += 1) {
    size += waiting[count]?.length ?? 0
  }
  return Buffer.concat(waiting.splice(0, count))
}

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN'

/** A descriptor that leads to the same place, on which a write says EAGAIN where it would have to wait. */
function neverBlocking(fd: number): number {
  const target = fstatSync(fd)
  if (target.isFIFO() || target.isCharacterDevice()) {
    try {
      // Opened once more, since the mode of ours is shared with whoever else writes there.
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    } catch {
      // No Linux, or a pipe of another user.
    }
  }
  // Node has no fcntl; making a stream of a pipe or a socket switches it to this mode.
  if (target.isFIFO() || target.isSocket()) new Socket({ fd, readable: false, writable: true }).unref()
  return fd
}
