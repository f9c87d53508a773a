import { request } from 'undici'
import { beforeAll, expect, inject, test } from 'vitest'
import { clientsClient } from '../../support/clients-client.ts'
import { helpdeskClient } from '../../support/helpdesk-client.ts'
import { portalClient } from '../../support/portal-client.ts'
import { eventually, shopClient } from '../../support/shop-client.ts'
import { tenantsClient } from '../../support/tenants-client.ts'

const arrangement = inject('arrangement')
const shop = shopClient(arrangement)
const clients = clientsClient(arrangement)
const helpdesk = helpdeskClient(arrangement)
const tenants = tenantsClient(arrangement)
const portal = portalClient(arrangement)
let product = 0
beforeAll(async () => {
  await tenants.ensureVendor()
  // Other files look at the stock of the seed's products.
  ;[product = 0] = await shop.importProducts([{ price: 5, stock: 100 }])
})

/** Somebody who went all the way by one contract, signed in still. */
interface Traveller {
  contract: string
  token: string
  refreshToken: string
}

/** What each contract is for, from the registration on: the one by path, the portal by its host. */
const journeys: Readonly<Record<string, () => Promise<Traveller>>> = {
  async shop() {
    const person = await shop.register('traveller')
    const how = { token: person.token }
    const changed = await shop.put(`/users/${person.id}`, { ...how, json: { first_name: 'Ada' } })
    expect(changed.status, changed.text).toBe(200)
    const ordered = await shop.post('/orders', { ...how, json: { items: [{ product_id: product, quantity: 1 }] } })
    expect(ordered.status, ordered.text).toBe(201)
    const profile = await shop.get<{ username: string; first_name: string }>('/users/profile', how)
    expect(profile.body.data).toMatchObject({ username: person.username, first_name: 'Ada' })
    return { contract: 'shop', ...person }
  },
  async clients() {
    const person = await clients.signedIn()
    const me = await clients.get('/api/v1/me', { token: person.token })
    expect(me.body).toMatchObject({ email: person.email, email_verified: true })
    return { contract: 'clients', ...person }
  },
  async helpdesk() {
    const person = await helpdesk.register('traveller')
    const how = { token: person.token }
    const changed = await helpdesk.users.put('/api/profile/me', {
      ...how,
      json: { firstName: 'Ada', department: 'Support' },
    })
    expect(changed.status, changed.text).toBe(200)
    const me = await helpdesk.get('/api/auth/me', how)
    expect(me.body).toMatchObject({ user: { email: person.email } })
    return { contract: 'helpdesk', ...person }
  },
  async tenants() {
    const { user, admin } = await tenants.tenant()
    const listed = await tenants.get<{ users: { email: string }[] }>('/api/users', admin.token)
    expect(listed.body.users.map(({ email }) => email)).toContain(user.email)
    return { contract: 'tenants', ...user }
  },
  async portal() {
    const person = await portal.register('traveller')
    const how = { token: person.token }
    const changed = await portal.put(`/users/${person.id}`, { ...how, json: { name: 'Ada' } })
    expect(changed.status, changed.text).toBe(200)
    expect((await portal.get('/users/me', how)).body).toMatchObject({ id: person.id, name: 'Ada' })
    return { contract: 'portal', ...person }
  },
}

/** A route of each contract that wants its token, and where it is. */
const doors: Readonly<Record<string, { host?: string; path: string }>> = {
  shop: { path: '/users/profile' },
  clients: { path: '/api/v1/me' },
  helpdesk: { path: '/api/profile/me' },
  tenants: { path: '/api/users/me' },
  portal: { host: 'portal.localhost', path: '/users/me' },
}

async function knock({ host, path }: { host?: string; path: string }, headers: Record<string, string>) {
  const answer = await request(`${arrangement.urls.gateway}${path}`, {
    headers: { ...headers, ...(host !== undefined && { host }) },
  })
  await answer.body.dump()
  return answer.statusCode
}

/** Runs every journey so many times, all of them at once. */
const together = (times: number): Promise<Traveller[]> =>
  Promise.all(Array.from({ length: times }, () => Object.values(journeys).map((journey) => journey())).flat())

test('P-02 P-03 five journeys go on at once in one process, each by its path or host', {
  timeout: 60_000,
}, async () => {
  const travellers = await together(4)
  const arrived = travellers.map(({ contract }) => contract).sort()
  expect(new Set(arrived)).toEqual(new Set(Object.keys(doors)))
  expect(arrived).toHaveLength(20)
})

test('a token opens the door of its own contract and no other, on whichever host', { timeout: 60_000 }, async () => {
  const hosts = [undefined, ...Object.keys(doors).map((name) => `${name}.localhost`)]
  for (const { contract, token } of await together(1)) {
    for (const [name, door] of Object.entries(doors)) {
      for (const host of hosts) {
        const served = name === 'portal' ? host === 'portal.localhost' : !host || host === `${name}.localhost`
        // Where several contracts have a route at one path, the host's own knows its people, and says what is wrong.
        const atHome = host === `${contract}.localhost` || (host === undefined && contract === 'shop')
        const at = { path: door.path, ...(host !== undefined && { host }) }
        const status = await knock(at, { authorization: `Bearer ${token}` })
        const wanted = name === contract && served ? [200] : atHome ? [400, 401, 403, 404] : [401, 404]
        expect(wanted, `${contract}'s token at ${host ?? 'the default host'}${door.path}: ${status}`).toContain(status)
      }
    }
  }
})

test('cookies of one contract open nothing of another, and another’s beside its own do no harm', async () => {
  const [person, desk] = await Promise.all([portal.register('cookies'), helpdesk.register('cookies')])
  const cookie = (token: string) => ({ cookie: `accessToken=${token}` })
  expect(await knock(doors.portal!, cookie(person.token))).toBe(200)
  expect(await knock(doors.portal!, cookie(desk.token))).toBe(401)
  expect(await knock(doors.portal!, { cookie: `accessToken=${desk.token}; accessToken=${person.token}` })).toBe(200)
  expect(await knock(doors.helpdesk!, cookie(desk.token))).toBe(401)
})

test('a refresh token of one contract is nothing to another, and stays good for its own', async () => {
  const [person, desk] = await Promise.all([portal.register('refresh'), helpdesk.register('refresh')])
  const renew = (refreshToken: string) => portal.post('/auth/refresh', { json: { refreshToken } })
  expect((await renew(desk.refreshToken)).status).toBe(401)
  expect((await helpdesk.post('/api/auth/refresh', { json: { refreshToken: person.refreshToken } })).status).toBe(401)
  expect((await renew(person.refreshToken)).status).toBe(200)
  expect((await helpdesk.post('/api/auth/refresh', { json: { refreshToken: desk.refreshToken } })).status).toBe(200)
})

test('an account that one contract deletes is gone by all of them', async () => {
  const person = await portal.register('leaving')
  const shopAdmin = { token: await shop.admin() }
  await eventually(
    () => shop.get<{ email: string }>(`/users/${person.id}`, shopAdmin),
    ({ body }) => expect(body.data?.email).toBe(person.email),
  )
  const removed = await portal.del(`/users/${person.id}`, { token: await portal.admin() })
  expect(removed.status, removed.text).toBe(200)
  expect(await knock(doors.portal!, { authorization: `Bearer ${person.token}` })).toBe(401)
  expect((await shop.get(`/users/${person.id}`, shopAdmin)).status).toBe(404)
  const helpdeskAdmin = { token: await helpdesk.admin() }
  const { uid } = person.claims
  const atHelpdesk = await helpdesk.users.get(`/api/admin/users/${uid}`, helpdeskAdmin)
  expect(atHelpdesk.status, atHelpdesk.text).toBe(404)
  const login = { email: person.email, password: person.password }
  expect((await helpdesk.post('/api/auth/login', { json: login })).status).toBe(401)
})
