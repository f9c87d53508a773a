import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Passes TCP on to another port, and may take its time. */
export interface SlowProxy {
  readonly url: string
  readonly port: number
  /** Milliseconds by which everything that goes back is late from now on. */
  delay(ms: number): void
  close(): Promise<void>
}

/** Opens a proxy to a port of this machine. */
export async function openSlowProxy(target: number): Promise<SlowProxy> {
  let delayMs = 0
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => {
      if (delayMs === 0) near.write(chunk)
      else setTimeout(() => near.write(chunk), delayMs)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    delay(ms) {
      delayMs = ms
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
