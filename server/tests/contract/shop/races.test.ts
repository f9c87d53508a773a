import { expect, inject, test } from 'vitest'
import { call, type Pair, shopClient, type User } from './client.ts'

const shop = shopClient(inject('arrangement'))

test('S-26 S-33 a refresh and the deletion of its user at once are both answered by contract', async () => {
  const { gateway } = shop.urls
  const admin = await call<Pair>('POST', `${gateway}/auth/login`, { json: { username: 'admin', password: 'admin' } })
  const token = admin.body.data.access_token
  const statuses: number[] = []
  const round = async () => {
    const person = await shop.register()
    const own = await call<User>('GET', `${gateway}/users/profile`, { token: person.token })
    let refreshToken = person.refreshToken
    let gone = false
    const refreshing = (async () => {
      while (!gone) {
        const renewed = await call<Pair>('POST', `${gateway}/auth/refresh`, { json: { refresh_token: refreshToken } })
        statuses.push(renewed.status)
        if (renewed.status !== 200) return
        refreshToken = renewed.body.data.refresh_token
      }
    })()
    const removed = await call('DELETE', `${gateway}/users/${own.body.data.id}`, { token })
    gone = true
    await refreshing
    expect(removed.status).toBe(200)
    const after = await call('POST', `${gateway}/auth/refresh`, { json: { refresh_token: refreshToken } })
    expect(after.status).toBe(401)
  }
  for (let turn = 0; turn < 10; turn += 1) await Promise.all([round(), round(), round()])
  expect(statuses.filter((status) => status !== 200 && status !== 401)).toEqual([])
})
