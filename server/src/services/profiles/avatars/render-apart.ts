import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { refuseAtEdge } from '../../../platform/errors.ts'
import { busy, profilesErrors, refuse } from '../errors.ts'

const program = fileURLToPath(new URL('./image-worker.ts', import.meta.url))
/** The exit status by which the program says that it refuses the image. */
const refusedStatus = 3

const longestRunMs = 10_000
const largestAvatarBytes = 1_024 ** 2

/**
 * Renders an avatar in a process of its own, which ends with it. Decoders are the likeliest part to crash, to hang or to be taken
 * over by what somebody sends; there they have neither our memory nor our secrets, and leave no memory behind.
 */
export const renderApart = (path: string, signal: AbortSignal): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const options = {
      encoding: 'buffer',
      // Nothing of our environment. One arena of memory is enough for one image at a time.
      env: { MALLOC_ARENA_MAX: '1' },
      timeout: longestRunMs,
      killSignal: 'SIGKILL',
      maxBuffer: largestAvatarBytes,
      signal,
    } as const
    execFile(process.execPath, [program, path, String(refusedStatus)], options, (error, avatar, said) => {
      if (!error) return resolve(avatar)
      const code = profilesErrors.find((one) => one === said.toString())
      if (error.code === refusedStatus && code) return reject(refuse(code))
      // Ended by us: it took too long, or we stop.
      if (error.killed || signal.aborted) return reject(busy())
      const reason = new Error(`an image could not be worked on: ${said.toString().trim() || error.message}`)
      reject(typeof error.code === 'string' ? refuseAtEdge('edge.unavailable', {}, reason) : reason)
    })
  })
