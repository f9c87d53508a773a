import { type FileHandle, lstat, mkdir, open, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import type { FastifyRequest } from 'fastify'
import type { ErrorCode, Route, Upload } from '../../contracts/_kit/contract.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import { newSecret } from '../../platform/ids.ts'
import { abandonedAfterMs, removeAbandoned } from '../../platform/storage/abandoned-files.ts'
import { type BodyWatch, unlessAborted, watchBody } from './incoming-body.ts'

export type UploadRules = NonNullable<Route['upload']>

export type Uploads = ReturnType<typeof createUploads>

export interface UploadsOptions {
  /** A folder of its own, made when it is first needed. Files in it that are older than an hour are removed. */
  directory: string
  /** Uploads under way at most. */
  most?: number
  /** Milliseconds that a client may send nothing. */
  idleMs?: number
  /** Milliseconds that a body may take as a whole. */
  totalMs?: number
  clock?: Clock
}

/** What a form has beside its file: boundaries, headers, further fields. */
const overheadBytes = 64 * 1_024
const formLimits = { files: 2, fields: 20, parts: 22, fieldSize: 4_096, headerPairs: 20, headerSize: 8_192 }

// Of the one service that takes files; contracts answer its codes by their tables.
type UploadCode = Extract<ErrorCode, `profiles.upload_${string}`>
const refuse = (code: UploadCode) => new DomainError<ErrorCode>(code)

/** True for a form that can hold files (RFC 7578). */
export const isForm = (headers: IncomingHttpHeaders): boolean =>
  /^multipart\/form-data\s*;/i.test(headers['content-type'] ?? '')

/** The folder of this user for files that come in. */
export const uploadsDirectory = (): string => join(tmpdir(), `guichet-uploads-${process.getuid?.() ?? 'own'}`)

/** Files on their way in, of all listeners of the process. */
export function createUploads(options: UploadsOptions) {
  const { directory, most = 64, idleMs = 10_000, totalMs = 30_000, clock = systemClock } = options
  let underWay = 0
  let sweptAt = 0

  /** Runs `work` as one of the uploads that are under way. */
  const admitted = async <Result>(
    { headers }: FastifyRequest,
    { maxBytes }: UploadRules,
    work: () => Promise<Result>,
  ) => {
    if (Number(headers['content-length'] ?? 0) > maxBytes + overheadBytes) throw refuse('profiles.upload_too_large')
    if (!isForm(headers)) throw refuse('profiles.upload_missing')
    if (underWay >= most) throw new DomainError<ErrorCode>('profiles.busy', { retryAfterSeconds: 2 })
    underWay += 1
    try {
      return await work()
    } finally {
      underWay -= 1
    }
  }
  const watched = ({ raw }: FastifyRequest, { maxBytes }: UploadRules): BodyWatch =>
    watchBody(raw, { maxBytes: maxBytes + overheadBytes, idleMs, totalMs }, 'profiles.upload_too_large')

  const newFile = async (): Promise<{ path: string; file: FileHandle }> => {
    await makePrivate(directory)
    if (clock.now() - sweptAt > abandonedAfterMs) {
      sweptAt = clock.now()
      await removeAbandoned(directory, clock)
    }
    const path = join(directory, newSecret(18))
    return { path, file: await open(path, 'wx', 0o600) }
  }

  return {
    /**
     * Takes in the one file of a form, hands it to `work` and removes it when that ends, whichever way. The file goes to disk as it
     * comes. Refused are forms without exactly one file in its field, files that are too large, and clients that stall.
     */
    receive: <Result>(request: FastifyRequest, rules: UploadRules, work: (upload: Upload) => Promise<Result>) =>
      admitted(request, rules, async () => {
        const { path, file } = await newFile().catch(asOutage)
        try {
          const watch = watched(request, rules)
          const bytes = await unlessAborted(watch.signal, readForm(request.raw, rules, file, watch.signal)).finally(
            watch.stop,
          )
          return await work({ path, bytes })
        } finally {
          await file.close()
          await rm(path, { force: true })
        }
      }),
    /**
     * Runs `work`, which sends the body on to another process as it comes and there is received. The signal tells it when the body
     * is too large, stalls or breaks off.
     */
    passOn: <Result>(request: FastifyRequest, rules: UploadRules, work: (body: BodyWatch) => Promise<Result>) =>
      admitted(request, rules, async () => {
        const watch = watched(request, rules)
        return unlessAborted(watch.signal, work(watch)).finally(watch.stop)
      }),
  }
}

/**
 * Writes the file of a form to disk, reads the form to its end and says how many bytes the file has. What is wrong with the form is
 * refused as soon as it is known.
 */
async function readForm(
  request: IncomingMessage,
  { field, maxBytes }: UploadRules,
  file: FileHandle,
  signal: AbortSignal,
): Promise<number> {
  const read = Promise.withResolvers<void>()
  const refuseForm = (code: UploadCode) => read.reject(refuse(code))
  const validationErrors = () => refuseForm('profiles.upload_missing')
  let saved: Promise<number> | undefined

  const form = parserOf(request.headers, maxBytes)
  form.on('file', (name, content) => {
    // Of a file that breaks off its reader is told, and here the form.
    content.on('error', validationErrors)
    if (saved || name !== field) return validationErrors()
    content.once('limit', () => refuseForm('profiles.upload_too_large'))
    saved = pipeline(content, file.createWriteStream(), { signal }).then(() => content.bytesRead)
    saved.catch(read.reject)
  })
  form
    .on('filesLimit', validationErrors)
    .on('fieldsLimit', validationErrors)
    .on('partsLimit', validationErrors)
    .on('error', validationErrors)
  form.on('finish', read.resolve)
  request.pipe(form)
  try {
    await read.promise
    const bytes = (await saved) ?? 0
    if (bytes === 0) throw refuse('profiles.upload_missing')
    return bytes
  } catch (error) {
    throw isOfDisk(error) ? asOutage(error) : error
  }
}

function parserOf(headers: IncomingHttpHeaders, maxBytes: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
      limits: { ...formLimits, fileSize: maxBytes },
    })
  } catch {
    // A form that does not say what separates its parts.
    throw refuse('profiles.upload_missing')
  }
}

/** Makes a folder that nobody else can look into or has prepared for us. */
async function makePrivate(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(directory)
  const own = process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o077) === 0)
  if (!found.isDirectory() || !own) throw new Error(`${directory} is no folder of ours alone: remove it, or set TMPDIR`)
}

const isOfDisk = (error: unknown): boolean => error instanceof Error && 'syscall' in error && error.syscall === 'write'

/** A disk that is full or not ours is an outage, and no mistake of whoever sends a file. */
function asOutage(error: unknown): never {
  throw refuseAtEdge('edge.unavailable', {}, error)
}
