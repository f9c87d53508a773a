import fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { RenderedMail } from '../services/identity/index.ts'
import { mailboxRoutes } from './mailbox-page.ts'

const mail: RenderedMail = {
  id: '01900000-0000-7000-8000-000000000001',
  contract: 'test',
  kind: 'verify_email',
  to: '"<i>"@example.org',
  subject: 'Confirm <script>alert(1)</script>',
  text: 'Open:\nhttps://test.example.org/verify?token=a&id="1"\n<script>alert(2)</script>',
  html: '<p title="x">Open it</p><script>alert(3)</script>',
  createdAt: new Date('2026-03-01T14:05:00Z'),
  sentAt: new Date('2026-03-01T14:05:02Z'),
  deadAt: null,
  attempts: 1,
  lastError: null,
}

const mailbox = (...mails: RenderedMail[]) => {
  const app = fastify()
  onTestFinished(() => app.close())
  mailboxRoutes(app, async () => mails)
  return app
}

const json = { accept: 'application/json' }

test('lists the mails for people', async () => {
  const late = { ...mail, id: 'b', sentAt: null, deadAt: new Date('2026-03-02T00:00:00Z'), lastError: 'SMTP 550' }
  const { statusCode, headers, body } = await mailbox(mail, late).inject('/dev/mailbox')
  expect(statusCode).toBe(200)
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  expect(headers['cache-control']).toBe('no-store')
  expect(body).toContain(`href="/dev/mailbox/${mail.id}"`)
  expect(body).toContain('2026-03-01 14:05:02 UTC')
  expect(body).toMatch(/given up .*: SMTP 550/)
  expect(body).not.toContain('<script')
})

test('says when there is nothing', async () => {
  expect((await mailbox().inject('/dev/mailbox')).body).toContain('No mail yet')
})

test('lists them for programs', async () => {
  const response = await mailbox(mail).inject({ url: '/dev/mailbox', headers: json })
  expect(response.json()).toEqual([JSON.parse(JSON.stringify(mail))])
  const one = await mailbox(mail).inject({ url: `/dev/mailbox/${mail.id}`, headers: json })
  expect(one.json()).toEqual(JSON.parse(JSON.stringify(mail)))
})

test('shows a mail as text with its link, and its HTML in a frame where nothing runs', async () => {
  const { headers, body } = await mailbox(mail).inject(`/dev/mailbox/${mail.id}`)
  expect(body).toContain('<a href="https://test.example.org/verify?token=a&amp;id=&quot;1&quot;"')
  expect(body).toContain('srcdoc="&lt;p title=&quot;x&quot;&gt;Open it&lt;/p&gt;&lt;script&gt;')
  expect(body).not.toContain('<script')
  expect(/sandbox="([^"]*)"/.exec(body)?.[1]).not.toMatch(/allow-(scripts|same-origin|forms)/)
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("style-src 'unsafe-inline'")
  expect(policy).not.toContain('script-src')
})

test('a mail that is not among them is not found', async () => {
  expect((await mailbox(mail).inject('/dev/mailbox/other')).statusCode).toBe(404)
})
