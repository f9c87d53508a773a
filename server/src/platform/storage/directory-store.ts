import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { refuseAtEdge } from '../errors.ts'
import { newSecret } from '../ids.ts'
import { removeAbandoned } from './abandoned-files.ts'
import { checkedKey, type ObjectStore } from './object-store.ts'

/** Keeps objects as files below a directory of this machine, which is made when it is first needed. Only its owner reads them. */
export function createDirectoryStore(root: string): ObjectStore {
  // Two levels of folders: no folder grows to a size that makes it slow.
  const pathOf = (key: string) => join(root, checkedKey(key).slice(0, 2), key.slice(2, 4), key)
  const incoming = join(root, 'incoming')
  let swept: Promise<void> | undefined

  return {
    async put(key, bytes) {
      const path = pathOf(key)
      await available(async () => {
        await makeDirectory(incoming)
        swept ??= removeAbandoned(incoming).catch(() => {
          swept = undefined
        })
        await swept
        const written = join(incoming, newSecret(12))
        try {
          await writeForGood(written, bytes)
          await makeDirectory(dirname(path))
          await rename(written, path)
          await keepEntries(dirname(path))
        } catch (error) {
          await rm(written, { force: true })
          throw error
        }
      })
    },
    async get(key) {
      const path = pathOf(key)
      return available(() => readFile(path).catch(unlessMissing))
    },
    async remove(key) {
      const path = pathOf(key)
      await available(() => rm(path).catch(unlessMissing))
    },
    async ping() {
      await available(() => makeDirectory(root))
    },
    async close() {},
  }
}

const makeDirectory = (path: string) => mkdir(path, { recursive: true, mode: 0o700 })

async function writeForGood(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes a new name in a directory survive a loss of power, where directories can be opened at all. */
async function keepEntries(directory: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** A disk that is full, away or not ours is an outage, not a mistake in the request. */
async function available<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw refuseAtEdge('edge.unavailable', {}, error)
  }
}
