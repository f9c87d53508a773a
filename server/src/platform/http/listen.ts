import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const loopback = ['127.0.0.1', '::1'] as const

/** Lets an app listen as `listenAt` does: at "localhost" on both loopback families, whatever this machine calls by that name. */
export const listenOn = (app: FastifyInstance, { host, port }: { host: string; port: number }) =>
  listenAt(app, host === 'localhost' ? loopback : [host], port)

/**
 * Lets an app listen on several addresses at one port. Fastify would start a server for each, and the further ones know nothing
 * of what is set up on the first; here all connections are the first one's. Gives the addresses bound: one that cannot be is
 * left out, but for the first, which rejects as Node's `listen` does. Has to be called before the app is ready.
 */
export async function listenAt(
  app: FastifyInstance,
  [first, ...others]: readonly [string, ...string[]],
  port: number,
): Promise<AddressInfo[]> {
  const doors: Server[] = []
  let closed: Promise<unknown> | undefined
  // All let nobody in from the same moment on, and the app is closed when the connections of all are.
  app.addHook('preClose', async () => {
    closed = Promise.all(doors.map((door) => new Promise((resolve) => door.close(resolve))))
  })
  app.addHook('onClose', async () => void (await closed))
  await app.listen({ host: first, port })
  const bound = [boundBy(app.server)]
  for (const host of others) {
    const door = await openDoor(app, { host, port: bound[0]?.port ?? port })
    if (!door) continue
    doors.push(door)
    bound.push(boundBy(door))
  }
  return bound
}

/** An address whose connections the app's server serves (Node's documentation of its event `connection`). */
async function openDoor(app: FastifyInstance, at: { host: string; port: number }): Promise<Server | undefined> {
  // As Node sets up the sockets of its HTTP servers.
  const door = createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
    app.server.emit('connection', socket)
  })
  try {
    await once(door.listen(at), 'listening')
    return door
  } catch {
    return undefined
  }
}

/** Of a server on a port, not on a socket of the file system. */
const boundBy = (server: Server) => server.address() as AddressInfo
