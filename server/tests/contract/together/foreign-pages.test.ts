import { request } from 'undici'
import { describe, expect, inject, test } from 'vitest'
import { contractNames, contracts } from '../../../src/contracts/registry.ts'

const { gateway } = inject('arrangement').urls
const { port } = new URL(gateway)

/** What a page may send with the cookies of its browser without asking before: a form, or text. */
const order = async (name: string, url: string, headers: Record<string, string>) => {
  const host = `${name}.localhost:${port}`
  const answer = await request(`${gateway}${url}`, {
    method: 'POST',
    headers: { host, 'content-type': 'text/plain', cookie: 'refreshToken=x; accessToken=y', ...headers },
    body: '{}',
  })
  await answer.body.text()
  return { status: answer.statusCode, cookies: answer.headers['set-cookie'] }
}

const foreign = [
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'same-site' },
]

describe.each(contractNames)('pages of other sites: %s', (name) => {
  const { routes, browser } = contracts[name]
  // Sign-ins, what renews them, and pages: everything that asks for no Bearer.
  const paths = routes.filter(({ method, access }) => method === 'POST' && access === 'public').map(({ url }) => url)
  const ours = [
    { origin: `http://${name}.localhost:${port}` },
    { origin: 'https://elsewhere.example', 'sec-fetch-site': 'same-origin' },
    { origin: 'http://localhost:3000', 'sec-fetch-site': 'cross-site' },
    {},
  ]

  test('H-48 P-54 T-61 give no orders, unless every origin may', async () => {
    expect(paths.length).toBeGreaterThan(0)
    for (const path of paths) {
      for (const headers of foreign) {
        const { status, cookies } = await order(name, path, headers)
        if (browser?.origins === 'any') expect(status, path).not.toBe(403)
        else expect({ path, status, cookies }).toEqual({ path, status: 403, cookies: undefined })
      }
    }
  })

  test('its own pages, those that are let in, and programs are listened to', async () => {
    for (const path of paths)
      for (const headers of ours) expect((await order(name, path, headers)).status).not.toBe(403)
  })
})
