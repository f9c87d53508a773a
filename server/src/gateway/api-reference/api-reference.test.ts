import { gunzipSync } from 'node:zlib'
import compress from '@fastify/compress'
import fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Contract } from '../../contracts/_kit/contract.ts'
import { apiReference } from './index.ts'

// Only what the reference reads of a contract.
const contract = (name: string, title: string, referenceUrls: string[] = []) =>
  ({ name, title, hosting: { referenceUrls } }) as unknown as Contract

const several = fastify()
const single = fastify()

beforeAll(async () => {
  await several.register(compress, { threshold: 1024 })
  apiReference(several, {
    contracts: [contract('shop', 'Shop', ['/docs']), contract('desk', 'Desk <&>', ['/swagger', '/swagger.html'])],
    documentUrlOf: ({ name }) => `/openapi/${name}.json`,
    originsOf: () => [],
  })
  for (const name of ['shop', 'desk']) several.get(`/openapi/${name}.json`, async () => ({ openapi: '3.1.0', name }))
  apiReference(single, {
    contracts: [contract('desk', 'Desk', ['/swagger'])],
    documentUrlOf: ({ name }) => `/documents/${name}`,
    originsOf: () => [],
  })
})
afterAll(() => Promise.all([several.close(), single.close()]))

const get = async (url: string, headers: Record<string, string> = {}) => several.inject({ url, headers })
const loadedBy = (page: string) =>
  [...page.matchAll(/(?:<script src|<link [^>]*href)="([^"]+)"/g)].map(([, url = '']) => url)

test.each([
  ['/apidocs', 'shop', 'Shop'],
  ['/apidocs/shop', 'shop', 'Shop'],
  ['/apidocs/desk', 'desk', 'Desk &lt;&amp;&gt;'],
])('%s shows the document of %s, which answers', async (url, name, title) => {
  const page = await get(url)
  expect(page.statusCode).toBe(200)
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(page.body).toContain(`<title>${title} API reference</title>`)
  expect(page.body).toContain(`<a href="/apidocs/${name}" aria-current="page">${title}</a>`)
  expect(page.body.match(/aria-current/g)).toHaveLength(1)
  const [, document = ''] = /data-document="([^"]+)"/.exec(page.body) ?? []
  expect((await get(document)).json()).toMatchObject({ name })
})

test('a page loads nothing from another host, and everything it loads is there', async () => {
  const { body, headers } = await get('/apidocs')
  expect(body).not.toMatch(/https?:|"\/\/|<script>|<style| style=| on\w+=/)
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  )
  const loaded = loadedBy(body)
  expect(loaded.map((url) => url.split('/').at(-1)).sort()).toEqual([
    'favicon-32x32.png',
    'reference.css',
    'reference.js',
    'swagger-ui-bundle.js',
    'swagger-ui.css',
  ])
  for (const url of loaded) {
    const answer = await get(url)
    expect(answer.statusCode, url).toBe(200)
    const type = url.endsWith('.js') ? 'text/javascript' : url.endsWith('.css') ? 'text/css' : 'image/png'
    expect(answer.headers['content-type'], url).toContain(type)
    expect(answer.rawPayload.length, url).toBeGreaterThan(300)
    // Fonts and pictures of a style come from itself.
    if (type === 'text/css') expect(answer.body).not.toMatch(/@import|url\(\s*["']?(?!["']?data:)/)
  }
})

test('Swagger UI is started on the page, without its validator', async () => {
  const { body } = await get('/apidocs/assets/reference.js')
  expect(new Function(body)).toBeInstanceOf(Function)
  expect(body).toContain('validatorUrl: null')
  expect(body).not.toMatch(/https?:/)
})

test('files are packed for whoever takes it, and not sent again unchanged', async () => {
  const url = '/apidocs/assets/swagger-ui-bundle.js'
  const plain = await get(url)
  expect(plain.headers['content-encoding']).toBeUndefined()
  const packed = await get(url, { 'accept-encoding': 'deflate, gzip;q=0.5' })
  expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
  expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 3)
  expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
  for (const refused of ['gzip;q=0', 'deflate, gzip; q=0.0, br']) {
    expect((await get(url, { 'accept-encoding': refused })).headers['content-encoding'], refused).toBeUndefined()
  }
  const again = await get(url, { 'if-none-match': String(packed.headers.etag) })
  expect(again).toMatchObject({ statusCode: 304, body: '' })
  expect((await get(url, { 'if-none-match': 'W/"another"' })).statusCode).toBe(200)
})

test.each([
  ['/apidocs/', '/apidocs'],
  ['/docs', '/apidocs/shop'],
  ['/swagger', '/apidocs/desk'],
  ['/swagger.html', '/apidocs/desk'],
])('%s leads to %s', async (url, target) => {
  const answer = await get(url)
  expect([answer.statusCode, answer.headers.location]).toEqual([302, target])
})

test('nothing else is there', async () => {
  for (const url of [
    '/apidocs/orders',
    '/apidocs/assets/../package.json',
    '/apidocs/assets/swagger-ui.js',
    '/apidocs/json',
  ]) {
    expect((await get(url)).statusCode, url).toBe(404)
  }
})

test('a listener of one contract offers no choice, and its contract’s own addresses lead there', async () => {
  const page = await single.inject('/apidocs')
  expect(page.body).toContain('data-document="/documents/desk"')
  expect(page.body).not.toContain('<nav')
  expect((await single.inject('/swagger')).headers.location).toBe('/apidocs/desk')
  expect((await single.inject('/docs')).statusCode).toBe(404)
})
