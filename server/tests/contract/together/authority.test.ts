import { request } from 'undici'
import { beforeAll, expect, inject, test } from 'vitest'
import { contractNames, contracts } from '../../../src/contracts/registry.ts'
import { openJourneys } from './journeys.ts'

const arrangement = inject('arrangement')

/** Of who may do everything in one contract. */
const tokens: Record<string, string> = {}
beforeAll(async () => {
  for (const [name, { administrator }] of await openJourneys(arrangement)) {
    if (administrator) tokens[name] = await administrator()
  }
})

/** Every route that wants somebody's token, or a permission. */
const doors = contractNames.flatMap((name) => {
  const { routes, hosting, browser } = contracts[name]
  const host = hosting?.ownHostOnly ? arrangement.hosts[name] : undefined
  return routes
    .filter(({ access, ownListenerOnly }) => access !== 'public' && access !== 'service' && !ownListenerOnly)
    .map(({ method, url }) => ({
      name,
      method,
      path: url.replaceAll(/:\w+/g, '1'),
      host,
      accessCookie: browser?.accessCookie,
    }))
})

test('P-02 an administrator of one contract opens no door of another, by Bearer or cookie', async () => {
  expect(Object.keys(tokens).length).toBeGreaterThan(1)
  expect(doors.length).toBeGreaterThan(contractNames.length)
  const opened: string[] = []
  for (const { name, method, path, host, accessCookie } of doors) {
    for (const [whose, token] of Object.entries(tokens)) {
      if (whose === name) continue
      const how: Record<string, string>[] = [{ authorization: `Bearer ${token}` }]
      if (accessCookie) how.push({ cookie: `${accessCookie}=${token}` })
      for (const headers of how) {
        const answer = await request(`${arrangement.urls.gateway}${path}`, {
          method,
          headers: { ...headers, ...(host !== undefined && { host }) },
        })
        await answer.body.dump()
        if (answer.statusCode !== 401) opened.push(`${whose} at ${name}: ${method} ${path} ${answer.statusCode}`)
      }
    }
  }
  expect(opened).toEqual([])
})
