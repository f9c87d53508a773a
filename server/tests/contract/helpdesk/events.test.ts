import { expect, inject, test } from 'vitest'
import { helpdeskClient, uuid } from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))

test('what happens to an account is announced under the names of the reference, without a token', async () => {
  const { id, email, password, token, refreshToken } = await helpdesk.register()
  await helpdesk.post('/api/auth/logout', { token })
  const { accessToken } = await helpdesk.signIn(email, password)
  await helpdesk.post('/api/auth/logout-all', { token: accessToken })
  for (let index = 0; index < 5; index += 1) await helpdesk.login(email, 'Wrong-horse7')
  const forgotten = await helpdesk.post<{ resetToken: string }>('/api/auth/forgot-password', { json: { email } })
  const { resetToken } = forgotten.body
  await helpdesk.post('/api/auth/reset-password', { json: { token: resetToken, password: 'Another-horse8' } })

  const events = await helpdesk.rows<{ type: string; data: Record<string, string> }>(
    "SELECT type, data FROM outbox_events WHERE aggregate_id = $1 AND type LIKE 'user.%' ORDER BY sequence",
    [id],
  )
  expect(events.map(({ type }) => type)).toEqual([
    'user.registered',
    'user.login',
    'user.logout',
    'user.login',
    'user.logout_all_devices',
    'user.locked',
    'user.password_reset_requested',
    'user.password_reset_completed',
  ])
  const anonymous = ['user.logout', 'user.logout_all_devices']
  for (const { type, data } of events) {
    expect(data, type).toEqual({
      userId: id,
      ...(!anonymous.includes(type) && { email }),
      eventId: expect.stringMatching(uuid),
      service: 'auth-service',
      version: '1.0.0',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
  }
  expect(new Set(events.map(({ data }) => data.eventId)).size).toBe(events.length)
  const text = JSON.stringify(events)
  for (const secret of [token, refreshToken, accessToken, resetToken, password]) expect(text).not.toContain(secret)
})

test('the names of a registration reach the other services by membership.started', async () => {
  const { id, email } = await helpdesk.register()
  const [event] = await helpdesk.rows<{ data: unknown }>(
    "SELECT data FROM outbox_events WHERE aggregate_id = $1 AND type = 'membership.started'",
    [id],
  )
  expect(event?.data).toMatchObject({ email, username: email, displayName: null })
})
