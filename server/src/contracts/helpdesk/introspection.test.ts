import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { someClaims } from '../../platform/testing/token-cache.conformance.ts'
import { openIntrospection } from './introspection.ts'

/** An auth service that answers every question about a token so. */
async function authority(status: number, body: object) {
  const seen: (string | string[] | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers['x-internal-token'])
    response.writeHead(status).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const opened = openIntrospection({ url: `http://127.0.0.1:${port}`, timeoutMs: 2_000, serviceToken: 'ours' })
  onTestFinished(async () => {
    await opened.close()
    server.close()
  })
  return { ask: opened.ask, seen }
}

const user = { id: 'u', email: 'lea@example.org', role: 'user' }

test('a token’s claims are those that the auth service tells, asked as a service of the same installation', async () => {
  const claims = someClaims({ role: 'user' })
  const { ask, seen } = await authority(200, { success: true, user, data: { tokenData: claims } })
  expect(await ask('a.b.c')).toEqual(claims)
  expect(seen).toEqual(['ours'])
})

test('a token that it refuses has none', async () => {
  const { ask } = await authority(401, { success: false })
  expect(await ask('a.b.c')).toBeUndefined()
})

test('an answer without our claims is no answer, and the cause says so', async () => {
  const { ask } = await authority(200, { success: true, user, data: { tokenData: { userId: 'u' } } })
  await expect(ask('a.b.c')).rejects.toMatchObject({
    code: 'edge.identity_unavailable',
    cause: { message: expect.stringMatching(/lacks the claims/) },
  })
})
