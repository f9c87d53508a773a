import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Milliseconds that answers under way may take once we stop: what else stops needs the rest of its ten seconds. */
const finishWithinMs = 6_500

/** On the socket itself, since it is counted at every request: how many answers are under way. */
const underWay = Symbol('underWay')
type CountedSocket = Socket & { [underWay]?: number }

/**
 * Makes a server end its connections when it closes: at once where nothing was asked, after the last byte of an answer
 * under way, and in any case within `finishWithinMs`. Node itself waits for connections that never asked anything (so
 * that one of them keeps a process from stopping), and cuts an answer off that a slow client has yet to read.
 */
export function closeGently(server: Server): void {
  const open = new Set<CountedSocket>()
  let closing = false
  const endIfIdle = (socket: CountedSocket) => {
    // What is already in its buffer is still sent.
    if (closing && !socket[underWay]) socket.destroySoon()
  }
  server.on('connection', (socket: CountedSocket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', (request, response) => {
    const socket: CountedSocket = request.socket
    socket[underWay] = (socket[underWay] ?? 0) + 1
    response.on('close', () => {
      socket[underWay] = (socket[underWay] ?? 1) - 1
      endIfIdle(socket)
    })
  })
  // `close` calls it first of all.
  server.closeIdleConnections = () => {
    closing = true
    for (const socket of open) endIfIdle(socket)
    setTimeout(() => server.closeAllConnections(), finishWithinMs).unref()
  }
}
