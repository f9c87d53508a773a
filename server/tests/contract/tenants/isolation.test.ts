import { beforeAll, expect, inject, test } from 'vitest'
import type { Route } from '../../../src/contracts/_kit/contract.ts'
import { tenants } from '../../../src/contracts/tenants/index.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { type Person, password, tenantsClient } from './client.ts'

const arrangement = inject('arrangement')
const api = tenantsClient(arrangement)
beforeAll(api.ensureVendor)

/** Every route that this listener has. */
const routes = tenants.routes.filter((route) => arrangement.name === 'tenants' || !route.ownListenerOnly)

/** Everything the database holds of a tenant, in one text. */
async function rowsOf(tenantNumber: number): Promise<string> {
  const mine = 'account_id IN (SELECT id FROM accounts WHERE tenant_id = t.id)'
  const tables = [
    'memberships',
    'sessions',
    'verification_tokens',
    'mfa_codes',
    'known_devices',
    'mail_jobs',
    'sign_in_counters',
    'revocations',
  ]
  const columns = [
    '(SELECT json_agg(a ORDER BY a.id) FROM accounts a WHERE a.tenant_id = t.id) AS accounts',
    '(SELECT json_agg(v ORDER BY v.id) FROM activities v WHERE v.tenant_id = t.id) AS activities',
    '(SELECT json_agg(e ORDER BY e.id) FROM outbox_events e WHERE e.aggregate_id IN (SELECT id FROM accounts WHERE tenant_id = t.id)) AS events',
    `(SELECT json_agg(r ORDER BY r.token_hash) FROM refresh_tokens r
       WHERE r.session_id IN (SELECT id FROM sessions WHERE ${mine})) AS refresh_tokens`,
    ...tables.map((table) => `(SELECT json_agg(x ORDER BY x::text) FROM ${table} x WHERE x.${mine}) AS ${table}`),
  ]
  const [row] = await api.rows(
    `SELECT row_to_json(t) AS tenant, ${columns.join(', ')} FROM tenants t WHERE t.number = $1`,
    [tenantNumber],
  )
  // What the workers write of their own accord, while nobody asks.
  return JSON.stringify(
    row,
    (name, value) =>
      /^(acknowledged_by|published_at|sent_at|attempts|due_at|last_error|dead_at)$/.test(name) ? undefined : value,
    1,
  )
}

/** Calls a route with a stranger's token and secrets, and whatever names the victim; gives every answer. */
async function probe(
  route: Route,
  victim: Person,
  stranger: Person,
): Promise<{ note: string; status: number; text: string }[]> {
  const { id, claims } = victim
  const query = new URLSearchParams({
    limit: '100',
    tenant_id: String(claims.tenant_id),
    user_id: String(id),
    id: String(id),
    ...(route.html && { token: stranger.verificationToken }),
  })
  const body = {
    id,
    user_id: id,
    sub: String(id),
    tenant_id: claims.tenant_id,
    is_active: false,
    role: 'user',
    full_name: 'Taken Over',
    preferences: { taken: true },
    refresh_token: victim.refreshToken,
    token: stranger.verificationToken,
    current_password: password,
    new_password: 'Taken456?',
    password: 'Taken456?',
    confirmation: 'Taken456?',
    email: stranger.email,
    tenant_name: stranger.tenant,
  }
  const { token, password: secret, confirmation } = body
  const sent = route.html ? new URLSearchParams({ token, password: secret, confirmation }) : JSON.stringify(body)
  const answers = []
  for (const one of route.url.includes(':id') ? [String(id), claims.uid] : ['']) {
    const path = route.url.replace(':id', one).replace(':token', stranger.verificationToken)
    const answer = await fetch(api.at(`${path}?${query}`), {
      method: route.method,
      headers: {
        authorization: `Bearer ${stranger.token}`,
        ...(!route.html && { 'content-type': 'application/json' }),
      },
      ...(route.method !== 'GET' && { body: sent }),
    })
    answers.push({
      note: `${route.method} ${path} (${answer.status})`,
      status: answer.status,
      text: await answer.text(),
    })
  }
  return answers
}

test.each(['admin', 'user'] as const)(
  'T-05 no route shows or changes anything of a tenant to the %s of another one',
  async (who) => {
    const here = await api.tenant()
    const secrets = [here.name, here.admin.email, here.user.email, here.admin.claims.uid, here.user.claims.uid]
    const before = await rowsOf(here.admin.claims.tenant_id)
    expect(before).toContain(here.user.email)

    for (const route of routes) {
      // A new one for each route: some of them end the session, or change the password.
      const stranger = who === 'admin' ? await api.join(uniqueName('elsewhere')) : (await api.tenant()).user
      for (const victim of [here.admin, here.user]) {
        for (const { note, status, text } of await probe(route, victim, stranger)) {
          expect(status, note).toBeLessThan(500)
          for (const secret of secrets) expect(text, note).not.toContain(secret)
        }
      }
      expect(await rowsOf(here.admin.claims.tenant_id), `after ${route.method} ${route.url}`).toBe(before)
    }
    expect(await api.statusOf(here.admin.token)).toBe(200)
    expect((await api.refresh(here.user.refreshToken)).status).toBe(200)
  },
  60_000,
)

test('T-05 the same probes do show and change things for a vendor', async () => {
  const { user } = await api.tenant()
  const vendor = await api.vendor()
  const before = await rowsOf(user.claims.tenant_id)
  const routeOf = (method: string, url: string) => routes.find((one) => one.method === method && one.url === url)!
  const [list] = await probe(routeOf('GET', '/api/users'), user, vendor)
  expect(list!.text).toContain(user.email)
  const [activity] = await probe(routeOf('GET', '/api/users/:id/activity'), user, vendor)
  expect(activity).toMatchObject({ status: 200, text: expect.stringContaining('login') })
  const [update] = await probe(routeOf('PUT', '/api/users/:id'), user, vendor)
  expect(update!.status).toBe(200)
  expect(await rowsOf(user.claims.tenant_id)).not.toBe(before)
})
