import { expect, inject, test } from 'vitest'

const { urls, name } = inject('arrangement')

test('S-50 the gateway says that it and every service behind it are up', async () => {
  const answer = await fetch(`${urls.gateway}/health`)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({
    status: 'healthy',
    service: 'api-gateway',
    services: { auth: 'up', user: 'up', orders: 'up' },
  })
})

test('S-02 S-51 S-52 S-53 S-58 every service answers /health under its own name', async () => {
  // In `all` there is one listener: the gateway's, which also tells of the sign-in service.
  const alone = [
    [`${urls.auth}/health`, 'auth-service'],
    [`${urls.users}/health`, 'user-service'],
    [`${urls.orders}/health`, 'orders-service'],
  ] as const
  const expected = [[`${urls.auth}/auth/health`, 'auth-service'] as const, ...(name === 'all' ? [] : alone)]
  for (const [url, service] of expected) {
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ status: 'healthy', service })
  }
})
