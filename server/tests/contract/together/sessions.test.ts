import { expect, inject, test } from 'vitest'
import { call } from '../../support/http-call.ts'
import { clientsClient } from '../clients/client.ts'

const arrangement = inject('arrangement')
const clients = clientsClient(arrangement)
const at = (path: string) => `${arrangement.urls.gateway}${path}`

/** The access token that the helpdesk gives an account of the clients, which has a second factor. */
async function signInAtHelpdesk({ email, password }: { email: string; password: string }): Promise<string> {
  const login = (json: object) => call<Record<string, never>>('POST', at('/api/auth/login'), { json })
  const first = await login({ email, password })
  expect(first.status, first.text).toBe(403)
  const { session_token, mfa_code } = first.body
  const second = await login({ session_token, mfa_code })
  expect(second.status, second.text).toBe(200)
  return JSON.parse(second.text).data.accessToken
}

test('C-12 who signs out everywhere stays signed in at the other contracts', async () => {
  const person = await clients.verified()
  const [one, other] = [await clients.signIn(person), await clients.signIn(person)]
  const token = await signInAtHelpdesk(person)
  const atHelpdesk = async () => (await call('GET', at('/api/auth/me'), { token })).status
  expect(await atHelpdesk()).toBe(200)
  const answer = await clients.post('/api/v1/auth/logout', undefined, { token: one.token })
  expect(answer.status, answer.text).toBe(200)
  expect([await clients.statusOf(one.token), await clients.statusOf(other.token)]).toEqual([401, 401])
  expect(await atHelpdesk()).toBe(200)
})
