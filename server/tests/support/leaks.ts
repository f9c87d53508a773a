import { setTimeout as delay } from 'node:timers/promises'

/** What keeps a process from ending, as Node names it, and what to say of it. */
const kinds: Readonly<Record<string, string>> = {
  Timeout: 'a timer',
  TCPServerWrap: 'a listener',
  TCPSocketWrap: 'a connection (of a pool, a client or a server)',
  PipeWrap: 'a pipe to a process, or a local listener or connection',
  ProcessWrap: 'a process',
  UDPWrap: 'a socket for datagrams',
}

/** Timers that earlier files of this process left. Vitest's own come and go, so no count at the beginning of a file would do. */
let timersLeft = 0

function openResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind in kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/** Looks at what is open now. What it returns says, for people, what is open beyond that once what is closing has had its time. */
export function watchLeaks(): (withinMs?: number) => Promise<string[]> {
  const before = openResources().set('Timeout', timersLeft)
  return async (withinMs = 5_000) => {
    const deadline = performance.now() + withinMs
    for (;;) {
      const now = openResources()
      const leaked = [...now].flatMap(([kind, count]) => {
        const more = count - (before.get(kind) ?? 0)
        return more > 0 ? [`${more} x ${kind}: ${kinds[kind]}`] : []
      })
      timersLeft = now.get('Timeout') ?? 0
      if (leaked.length === 0 || performance.now() > deadline) return leaked
      await delay(10)
    }
  }
}
