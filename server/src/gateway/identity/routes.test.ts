import fastify from 'fastify'
import { expect, test } from 'vitest'
import { configured } from '../../contracts/configured.ts'
import { internalClient } from '../../platform/http/internal-client.ts'
import type { Identity } from '../../services/identity/index.ts'
import { identityOverHttp } from './port.ts'
import { identityRoutes } from './routes.ts'

test('polls over one connection leave nothing on it', async () => {
  const app = fastify()
  const page = { cursor: '1', revision: 1, revocations: [] }
  // Only what the route calls; everything else of identity has its own tests.
  identityRoutes(
    app,
    { revocations: { next: async () => page } } as unknown as Identity,
    configured({ overrides: {}, uploadMaxBytes: 1 }),
  )
  const listeners: number[] = []
  app.addHook('onRequest', async ({ raw }) => {
    listeners.push(raw.socket.listenerCount('close'))
  })
  const client = internalClient({
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    token: 'x',
    deadlineMs: 2_000,
  })
  const { revocations } = identityOverHttp(client)
  for (let turn = 0; turn < 20; turn += 1) {
    expect(await revocations.next({ reader: 'r', cursor: '0', revision: 0, waitMs: 0 })).toEqual(page)
  }
  expect(listeners.at(-1)).toBe(listeners[1])
  await client.close()
  await app.close()
})

test('a poll waits for news, as long as whoever asked is there', async () => {
  const app = fastify()
  const ends: AbortSignal[] = []
  const asked = Promise.withResolvers<void>()
  const next = async ({ signal }: { signal: AbortSignal }) => {
    ends.push(signal)
    asked.resolve()
    // The news come half a second later.
    await new Promise((resolve) => setTimeout(resolve, 500))
    return { cursor: '2', revision: 2, revocations: [] }
  }
  const settings = configured({ overrides: {}, uploadMaxBytes: 1 })
  identityRoutes(app, { revocations: { next } } as unknown as Identity, settings)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = internalClient({ url, token: 'x', deadlineMs: 2_000 })
  const poll = identityOverHttp(client).revocations.next({ reader: 'r', cursor: '1', revision: 1, waitMs: 1_000 })
  await asked.promise
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(ends[0]?.aborted).toBe(false)
  expect(await poll).toMatchObject({ cursor: '2' })

  const gone = new AbortController()
  const options = { reader: 'r', cursor: '2', revision: 2, waitMs: 1_000, signal: gone.signal }
  const left = identityOverHttp(client)
    .revocations.next(options)
    .catch(() => 'left')
  await expect.poll(() => ends.length).toBe(2)
  gone.abort()
  expect(await left).toBe('left')
  await expect.poll(() => ends[1]?.aborted).toBe(true)
  await client.close()
  await app.close()
})
