import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** How long a connection is held open for the rest of a body, in milliseconds, and how much of that is read, in bytes. */
const linger = { ms: 10_000, bytes: 32 * 1_024 ** 2 }
/** What comes on top is left to wait, for as long as it may take the client to see the answer. */
const lastLookMs = 1_000
/** A body of so many bytes is as quickly read as refused: its connection goes on. */
const shortBody = 64 * 1_024

/**
 * Lets every client read an answer that is given before its body is in, as that the body is too large. A connection that is closed
 * while bytes are on their way is reset, and the answer with it (RFC 9112, 9.6). So its rest is read and thrown away, within
 * bounds, and only our half is closed meanwhile.
 */
export function closeLingering(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (answersAhead(request.raw)) reply.header('connection', 'close')
    done(null, payload)
  })
}

/** Says whether an answer that is given now leaves a body behind; the rest is then thrown away, and the caller says `connection: close`. */
export function answersAhead(request: IncomingMessage): boolean {
  const { complete, destroyed, headers, socket } = request
  const long = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > shortBody
  if (complete || destroyed || !long) return false

  const close = () => socket.destroy()
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  const closeAfter = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(close, ms)
  }
  request.unpipe()
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= linger.bytes || request.isPaused()) return
    request.pause()
    closeAfter(lastLookMs)
  })
  request.once('end', () => timer && close()).resume()
  socket.once('close', () => clearTimeout(timer))
  // What Node ends a connection with once its last answer is written.
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    if (request.complete) return destroySoon()
    socket.end()
    timer ??= setTimeout(close, linger.ms)
  }
  return true
}
