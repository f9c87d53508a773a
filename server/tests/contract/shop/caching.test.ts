import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { call, type Pair, shopClient } from './client.ts'

const shop = shopClient(inject('arrangement'))

test('S-25 S-26 S-34 S-39 nothing that concerns one person is kept by a cache, at the gateway and behind it', async () => {
  const { urls } = shop
  const username = uniqueName('person')
  const json = { username, password: 'long enough' }
  const registered = await call('POST', `${urls.gateway}/auth/register`, { json })
  const signedIn = await call<Pair>('POST', `${urls.gateway}/auth/login`, { json })
  const { access_token: token, refresh_token } = signedIn.body.data
  const answers = [
    registered,
    signedIn,
    await call('POST', `${urls.auth}/auth/login`, { json }),
    await call('POST', `${urls.gateway}/auth/refresh`, { json: { refresh_token } }),
    await call('POST', `${urls.gateway}/auth/verify`, { json: { token } }),
    await call('GET', `${urls.gateway}/users/profile`, { token }),
    await call('GET', `${urls.users}/users/profile`, { token }),
    await call('GET', `${urls.gateway}/orders`, { token }),
    await call('GET', `${urls.orders}/orders`, { token }),
  ]
  for (const { status, headers, text } of answers) {
    expect([200, 201], text).toContain(status)
    expect(headers.get('cache-control'), text).toBe('no-store')
  }
})

test('what identity has told of an account is forgotten by all who had read it', async () => {
  const url = new URL(inject('arrangement').postgresUrl)
  url.pathname = '/profiles'
  const reader = new pg.Client({ connectionString: url.href })
  const dropped: (string | undefined)[] = []
  reader.on('notification', ({ payload }) => dropped.push(payload))
  await reader.connect()
  try {
    await reader.query('LISTEN read_cache_people')
    // Identity alone serves both; profiles hears of the account by the event.
    const json = { username: uniqueName('person'), password: 'long enough' }
    await call('POST', `${shop.urls.gateway}/auth/register`, { json })
    const { body } = await call<Pair>('POST', `${shop.urls.gateway}/auth/login`, { json })
    const { uid } = claimsOf(body.data.access_token)
    await eventually(
      async () => dropped,
      (keys) => expect(keys).toContain(`account:${uid}`),
    )
  } finally {
    await reader.end()
  }
})

test('S-25 S-34 S-35 no refusal is kept by a cache', async () => {
  const { urls } = shop
  const json = { username: uniqueName('nobody'), password: 'long enough' }
  const answers = [
    await call('POST', `${urls.gateway}/auth/login`, { json }),
    await call('GET', `${urls.gateway}/users/profile`),
    await call('GET', `${urls.gateway}/products/999999`),
    await call('GET', `${urls.gateway}/nothing-here`),
  ]
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 404, 404])
  for (const { headers, text } of answers) expect(headers.get('cache-control'), text).toBe('no-store')
})

test('S-35 what everybody may see is not kept from caches', async () => {
  for (const base of [shop.urls.gateway, shop.urls.orders]) {
    const answer = await call('GET', `${base}/products`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBeNull()
  }
})
