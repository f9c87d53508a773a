import type { Notices } from '../../src/platform/db/notices/index.ts'

/** Notices that stay in this process, for tests of what hears them. */
export function localNotices(): Notices {
  const listeners = new Map<string, Set<(payload: string | undefined) => void>>()
  return {
    on(channel, heard) {
      const here = listeners.get(channel) ?? new Set()
      listeners.set(channel, here.add(heard))
      return () => here.delete(heard)
    },
    async announce(channel, payload) {
      for (const heard of listeners.get(channel) ?? []) heard(payload)
    },
    async close() {
      listeners.clear()
    },
  }
}
