import { beforeAll, expect, inject, test } from 'vitest'
import { uniqueName } from '../../support/unique-name.ts'
import { expectFailure, expectTokenRefused, password, tenantsClient } from './client.ts'

const api = tenantsClient(inject('arrangement'))
beforeAll(api.ensureVendor)

const scrape = async () => {
  const answer = await fetch(api.at('/metrics'))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return answer.text()
}
/** The value of the series with these labels; 0 when it is not there. */
const figureOf = (text: string, series: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length) ?? 0,
  )

interface Figures {
  users: { total: number; active: number; verified: number }
  tenants: number
  recent_activities: { action: string; user_id: number | null; created_at: string }[]
}

test('T-48 a vendor gets the counts and the ten newest activities, others do not', async () => {
  const { admin, user } = await api.tenant()
  const { token } = await api.vendor()
  const before = (await api.get<Figures>('/api/metrics', token)).body
  const joined = await api.join(uniqueName('tenant'))
  await api.post('/api/verify-email', { token: joined.verificationToken })
  const answer = await api.get<Figures>('/api/metrics', token)
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 200,
    body: {
      users: { total: expect.any(Number), active: expect.any(Number), verified: expect.any(Number) },
      tenants: expect.any(Number),
      recent_activities: Array.from({ length: 10 }, () => ({
        action: expect.any(String),
        user_id: expect.any(Number),
        created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      })),
    },
  })
  // Other files make accounts at the same time.
  const { users, tenants } = answer.body
  expect(users.total).toBeGreaterThan(before.users.total)
  expect(users.verified).toBeGreaterThan(before.users.verified)
  expect(users.active).toBeLessThanOrEqual(users.total)
  expect(tenants).toBeGreaterThan(before.tenants)
  const times = answer.body.recent_activities.map(({ created_at }) => created_at)
  expect(times).toEqual([...times].sort().reverse())
  for (const other of [admin, user]) expectFailure(await api.get('/api/metrics', other.token), 403, 'Unauthorized')
  expectTokenRefused(await api.get('/api/metrics'))
})

test('T-11 T-49 T-50 T-51 requests are counted and timed under the pattern of their route', async () => {
  const { admin } = await api.tenant()
  const series = 'http_requests_total{method="GET",endpoint="/api/users/:id/activity",status="403"}'
  const before = figureOf(await scrape(), series)
  await api.get('/api/users/999999999/activity', admin.token)
  const text = await scrape()
  expect(figureOf(text, series)).toBeGreaterThan(before)
  expect(text).toContain(
    'http_request_duration_seconds_bucket{le="0.1",method="GET",endpoint="/api/users/:id/activity"}',
  )
  expect(text).toMatch(/^db_operation_duration_seconds_count\{operation="[\w ]+"\} \d+$/m)
  expect(text).not.toContain('users/999999999')
})

test('T-11 what users do is counted under the names of the reference', async () => {
  const before = await scrape()
  const { name, user } = await api.tenant()
  await api.refresh(user.refreshToken)
  await api.refresh('unknown')
  await api.post('/api/login', { email: user.email, password: 'Wrong123!', tenant_name: name })
  await api.post('/api/verify-email', { token: user.verificationToken })
  await api.post('/api/verify-email', { token: 'unknown' })
  const asked = await api.post<{ reset_token: string }>('/api/reset-password', { email: user.email, tenant_name: name })
  await api.post(`/api/reset-password/${asked.body.reset_token}`, { password })
  const { token } = await api.vendor()
  await api.put(`/api/users/${user.id}`, { role: 'tenant_admin' }, token)

  const after = await scrape()
  const raised = [
    'auth_attempts_total{type="register",status="success"}',
    'auth_attempts_total{type="login",status="success"}',
    'auth_attempts_total{type="login",status="failure"}',
    'failed_logins_total{reason="invalid_credentials"}',
    'token_refreshes_total{status="success"}',
    'token_refreshes_total{status="failure"}',
    'email_verifications_total{status="success"}',
    'email_verifications_total{status="failure"}',
    'password_resets_total{status="requested"}',
    'password_resets_total{status="success"}',
    'user_role_changes_total{from_role="user",to_role="tenant_admin"}',
    `user_actions_total{action_type="login",tenant_id="${user.claims.tenant_id}",role="user"}`,
    'user_action_duration_seconds_count{action_type="login"}',
  ]
  for (const series of raised) expect(figureOf(after, series), series).toBeGreaterThan(figureOf(before, series))
  expect(figureOf(after, `tenant_user_count{tenant_id="${user.claims.tenant_id}"}`)).toBe(2)
  for (const gauge of ['active_users_total', 'verified_users_total', 'tenants_total']) {
    expect(figureOf(after, gauge), gauge).toBeGreaterThan(0)
  }
  for (const secret of [user.email, name, password]) expect(after).not.toContain(secret)
})
