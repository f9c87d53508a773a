import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { claimsOf } from '../../support/tokens.ts'
import { call, expectFailure, shopClient, type User } from './client.ts'

const shop = shopClient(inject('arrangement'))

// The only file that makes administrators, and this comes first: elsewhere "admin" is the last one.
test('S-33 the last administrator can be neither deleted nor demoted; no event', async () => {
  const token = await shop.admin()
  const { id } = (await shop.get<User>('/users/profile', { token })).body.data
  expectFailure(await shop.del(`/users/${id}`, { token }), 403, 'FORBIDDEN')
  const { code, stderr } = await shop.command('account', 'grant', 'admin', 'user')
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/last administrator/i)
  expect((await shop.get('/users', { token })).status).toBe(200)
  expect(await shop.recorded('identity', claimsOf(token).uid)).toEqual(['account.registered', 'membership.started'])
})

/**
 * The operator's command is another process and does not wait for the verifiers: they hear of it by a notice, well
 * before they would ask by themselves (after two seconds).
 */
const refusedSoon = (url: string, token: string) =>
  eventually(
    () => call('GET', url, { token }),
    (answer) => expectFailure(answer, 401, 'INVALID_TOKEN', url),
    1_000,
  )

test('S-29 S-41 a change of role takes effect within a second: the old token is refused, the next one has the role', async () => {
  const person = await shop.register()
  const admin = await shop.admin()
  expectFailure(await shop.get('/users', { token: person.token }), 403, 'FORBIDDEN')

  const raised = await shop.command('account', 'grant', person.username, 'admin')
  expect(raised.code, raised.stderr).toBe(0)
  for (const url of [`${shop.urls.gateway}/users`, `${shop.urls.users}/users`, `${shop.urls.orders}/orders`]) {
    await refusedSoon(url, person.token)
  }
  const renewed = await shop.post<{ access_token: string }>('/auth/refresh', {
    json: { refresh_token: person.refreshToken },
  })
  expect(renewed.status).toBe(200)
  const token = renewed.body.data.access_token
  expect(claimsOf(token)).toMatchObject({ role: 'admin' })
  expect((await shop.get('/users', { token })).status).toBe(200)

  const lowered = await shop.command('account', 'grant', person.username, 'user')
  expect(lowered.code, lowered.stderr).toBe(0)
  for (const url of [`${shop.urls.gateway}/users`, `${shop.urls.users}/users`]) {
    await refusedSoon(url, token)
  }
  const again = await shop.signIn(person.username, person.password)
  expect(claimsOf(again.access_token)).toMatchObject({ role: 'user' })
  expectFailure(await shop.get('/users', { token: again.access_token }), 403, 'FORBIDDEN')

  expect((await shop.get('/users', { token: admin })).status, "others' tokens go on").toBe(200)
  expect(await shop.recorded('identity', person.claims.uid)).toEqual([
    'account.registered',
    'membership.started',
    'membership.role_changed',
    'membership.role_changed',
  ])
})
