import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Milliseconds that answers under way may take once we stop: what else stops needs the rest of its ten seconds. */
const finishWithinMs = 6_500

/**
 * Makes a server end its connections when it closes: at once where nothing was asked, after the last byte of an answer
 * under way, and in any case within `finishWithinMs`. Node itself waits for connections that never asked anything (so
 * that one of them keeps a process from stopping), and cuts an answer off that a slow client has yet to read.
 */
export function closeGently(server: Server): void {
  /** Answers under way, by open connection. */
  const underWay = new Map<Socket, number>()
  let closing = false
  const endIfIdle = (socket: Socket) => {
    // What is already in its buffer is still sent.
    if (closing && underWay.get(socket) === 0) socket.destroySoon()
  }
  const count = (socket: Socket, change: number) => {
    const present = underWay.get(socket)
    if (present !== undefined) underWay.set(socket, present + change)
  }
  server.on('connection', (socket) => {
    underWay.set(socket, 0)
    socket.once('close', () => underWay.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    count(socket, 1)
    response.once('close', () => {
      count(socket, -1)
      endIfIdle(socket)
    })
  })
  // `close` calls it first of all.
  server.closeIdleConnections = () => {
    closing = true
    for (const socket of underWay.keys()) endIfIdle(socket)
    setTimeout(() => server.closeAllConnections(), finishWithinMs).unref()
  }
}
