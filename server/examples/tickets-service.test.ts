import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'

/** The integration tests of the tickets service, against it and the helpdesk's auth service as they run. */

const auth = process.env.AUTH_SERVICE_URL ?? 'http://localhost:3001'
const tickets = process.env.TICKETS_SERVICE_URL ?? 'http://localhost:3003'

interface Answer {
  status: number
  body: Record<string, unknown>
}

async function call(method: string, url: string, { token, json }: { token?: string; json?: object } = {}) {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(json && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(json && { body: JSON.stringify(json) }),
  })
  return { status: answer.status, body: await answer.json() } as Answer
}

/** Somebody new, signed in. */
async function register(): Promise<{ id: string; token: string; email: string }> {
  const email = `${randomUUID()}@example.org`
  const json = { email, password: 'Correct-horse7' }
  const { status, body } = await call('POST', `${auth}/api/auth/register`, { json })
  assert.equal(status, 201)
  return { id: (body.user as { id: string }).id, token: body.accessToken as string, email }
}

const failed = (status: number, code: string, { body, ...answer }: Answer) => {
  assert.deepEqual({ status: answer.status, success: body.success, code: body.code }, { status, success: false, code })
  assert.equal(body.error, body.message)
}

test('both services are well', async () => {
  for (const url of [auth, tickets]) assert.equal((await call('GET', `${url}/health`)).status, 200, url)
  const { body } = await call('GET', `${tickets}/health`)
  assert.deepEqual(body.dependencies, { authService: 'connected' })
})

test('a person opens a ticket and sees it; another does not', async () => {
  const [one, other] = [await register(), await register()]
  const made = await call('POST', `${tickets}/api/tickets`, { token: one.token, json: { subject: 'No sound' } })
  assert.equal(made.status, 201)
  assert.equal((made.body.data as { requesterId: string }).requesterId, one.id)
  assert.deepEqual((await call('GET', `${tickets}/api/tickets`, { token: one.token })).body.data, [made.body.data])
  assert.deepEqual((await call('GET', `${tickets}/api/tickets`, { token: other.token })).body.data, [])
})

test('without a good token nothing is open', async () => {
  failed(401, 'MISSING_TOKEN', await call('GET', `${tickets}/api/tickets`))
  for (const token of ['nonsense', 'aaaa.bbbb.cccc']) {
    failed(401, 'INVALID_TOKEN', await call('POST', `${tickets}/api/tickets`, { token, json: {} }))
  }
})

test('a token is refused as soon as its bearer has signed out', async () => {
  const { token } = await register()
  assert.equal((await call('GET', `${tickets}/api/tickets`, { token })).status, 200)
  assert.equal((await call('POST', `${auth}/api/auth/logout`, { token })).status, 200)
  failed(401, 'INVALID_TOKEN', await call('GET', `${tickets}/api/tickets`, { token }))
})

test('only staff opens tickets for others', async () => {
  const { token, email } = await register()
  const json = { subject: 'No picture', requester: email }
  failed(403, 'FORBIDDEN', await call('POST', `${tickets}/api/tickets`, { token, json }))
})
