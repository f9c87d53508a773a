import { expect, inject, test } from 'vitest'
import { call, clientsClient, expectFailure, uniqueEmail } from './client.ts'

const arrangement = inject('arrangement')
const clients = clientsClient(arrangement)

const name = 'Ada Lovelace'
const password = 'the password of the owner'
const theirs = 'Squatter-horse7'

const register = (email: string) =>
  clients.post<{ client_id: string; verification_token: string }>('/api/v1/clients', {
    client: { email, name, password },
  })
const login = (email: string, given: string) => clients.post('/api/v1/auth/login', { email, password: given })

// Both contracts are on one gateway there.
test.runIf(arrangement.name === 'all')(
  'C-06 C-07 C-10 an address that somebody registered at the helpdesk without proving it is still its owner’s',
  async () => {
    const email = uniqueEmail()
    const helpdesk = (given: string) =>
      call('POST', clients.at('/api/auth/login'), { json: { email, password: given } })
    const squatted = await call('POST', clients.at('/api/auth/register'), { json: { email, password: theirs } })
    expect(squatted.status, squatted.text).toBe(201)

    const made = await register(email)
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({ client: { email, name, email_verified: false } })
    expectFailure(await register(email), 422, 'REGISTRATION_FAILED', 1)

    const { client_id, verification_token } = made.body
    const verified = await clients.post(`/api/v1/clients/${client_id}/verify_email?token=${verification_token}`)
    expect(verified.status, verified.text).toBe(200)
    expect(verified.body).toMatchObject({ client: { id: client_id, email, email_verified: true } })

    const begun = await login(email, password)
    expect(begun.status, begun.text).toBe(200)
    expect(begun.body).toMatchObject({ mfa_required: true })
    expect((await clients.signIn({ email, password })).token).toMatch(/\S/)

    expectFailure(await login(email, theirs), 401, 'AUTH_FAILED', 1)
    expect((await helpdesk(theirs)).status).toBe(401)
    // The helpdesk asks more of a password than clients does.
    const url = '/account/helpdesk/password'
    expect((await helpdesk(password)).body).toMatchObject({
      code: 'PASSWORD_CHANGE_REQUIRED',
      change_password_url: url,
    })
  },
)
