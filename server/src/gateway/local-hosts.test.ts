import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { serveLocalHosts } from './local-hosts.ts'

const app = () => {
  const made = Fastify()
  serveLocalHosts(made, new Set(['dev.example.org', '[fd00::1]']))
  made.get('/', async () => 'served')
  onTestFinished(() => made.close())
  return made
}

test.each([
  'localhost',
  'LOCALHOST:8000',
  'localhost.:8000',
  'shop.localhost:8000',
  'a.b.localhost',
  '127.0.0.1:8000',
  '[::1]:8000',
  '[::1]',
  'dev.example.org:443',
  '[fd00::1]:8000',
  '',
])('a request for "%s" is served', async (host) => {
  const answer = await app().inject({ url: '/', headers: { host } })
  expect([answer.statusCode, answer.body]).toEqual([200, 'served'])
})

test.each([
  'evil.example.org',
  'localhost.evil.org:8000',
  '127.0.0.1.evil.org',
  'notlocalhost',
  'dev.example.org.evil.org',
  '0.0.0.0:8000',
  '10.0.0.1',
])('a request for "%s" is refused with 421, whatever it asks for', async (host) => {
  for (const url of ['/', '/nowhere']) {
    const { statusCode, body, headers } = await app().inject({ url, headers: { host } })
    expect(statusCode).toBe(421)
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(body).toContain('GUICHET_DEV_HOSTS')
    expect(body).not.toContain(host)
  }
})
