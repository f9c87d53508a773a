import { describe, expect, test } from 'vitest'
import { locales } from '../../realm/index.ts'
import { mailKinds } from './kinds.ts'
import { composeMail, type MailFacts } from './templates.ts'

const facts: MailFacts = {
  title: 'Test Shop',
  name: 'Ada',
  link: 'https://shop.example.org/verify?token=abc&id=1',
  code: '482913',
  validFor: 1440,
  at: new Date('2026-03-01T14:05:00Z'),
  ip: '203.0.113.7',
}

const each = locales.flatMap((locale) => mailKinds.map((kind) => ({ locale, kind })))

describe.each(each)('$kind in $locale', ({ locale, kind }) => {
  const { subject, text, html } = composeMail(kind, facts, locale)

  test('says whose mail it is, greets, and is whole in both forms', () => {
    expect(subject).toContain('Test Shop')
    expect(text).toContain(locale === 'fr' ? 'Bonjour Ada,' : 'Hello Ada,')
    expect(html).toContain(`<html lang="${locale}"`)
    for (const part of [subject, text, html]) expect(part).not.toMatch(/undefined|\bnull\b|NaN|\[object/)
    expect(text).not.toMatch(/[<>]/)
  })

  test('says what to do if it was not you', () => {
    expect(text).toMatch(
      locale === 'fr' ? /n’y êtes|n’avez rien demandé|n’êtes pas|n’était pas vous/ : /not you|are not signing in/,
    )
  })

  test('keeps the code out of the subject', () => {
    expect(subject).not.toContain('482913')
    expect(text.includes('482913')).toBe(kind === 'mfa_code')
    expect(html.includes('482913')).toBe(kind === 'mfa_code')
  })

  test('loads nothing and runs nothing', () => {
    expect(html).not.toMatch(/<(script|img|link|style|iframe)\b|\son\w+=|url\(|@import/i)
  })
})

test('the link stands whole in the text, escaped in the HTML', () => {
  const { text, html } = composeMail('verify_email', facts, 'en')
  expect(text.split('\n')).toContain(facts.link)
  expect(html).toContain('href="https://shop.example.org/verify?token=abc&amp;id=1"')
})

test('names and titles are escaped', () => {
  const { html } = composeMail('new_device', { ...facts, title: '<b>"T" & Co</b>', name: "Zoé O'Hara" }, 'fr')
  expect(html).toContain('&lt;b&gt;&quot;T&quot; &amp; Co&lt;/b&gt;')
  expect(html).not.toContain('<b>')
  expect(html).toContain('Zoé O&#39;Hara')
})

test.each(['evil.example.com', 'https://evil.example', '<b>you won</b>', 'A'.repeat(61), 'Hi!\nClick', '   ', null])(
  'a name that is no name is not greeted: %j',
  (name) => {
    expect(composeMail('verify_email', { ...facts, name }, 'en').text).toMatch(/^Hello,\n/)
  },
)

test.each(['J. R. Tolkien', 'Zoé-Anne O’Neill', '山田 太郎'])('a name is greeted: %s', (name) => {
  expect(composeMail('verify_email', { ...facts, name }, 'en').text).toMatch(`Hello ${name},`)
})

test.each([
  [5, '5 minutes', '5 minutes'],
  [1, '1 minute', '1 minute'],
  [60, '1 hour', '1 heure'],
  [90, '90 minutes', '90 minutes'],
  [1439, '23 hours', '23 heures'],
  [1440, '24 hours', '24 heures'],
  [2879, '47 hours', '47 heures'],
  [2880, '2 days', '2 jours'],
  [10_079, '6 days', '6 jours'],
  [10_080, '7 days', '7 jours'],
])('%i minutes are said as %s', (validFor, english, french) => {
  const said = (locale: 'en' | 'fr') =>
    composeMail('mfa_code', { ...facts, validFor }, locale).text.replaceAll('\u00a0', ' ')
  expect(said('en')).toContain(`for ${english}.`)
  expect(said('fr')).toContain(`pendant ${french}.`)
})

test('says when and from where, in the reader’s language', () => {
  expect(composeMail('password_changed', facts, 'en').text).toContain('on 1 March 2026 at 14:05 UTC from 203.0.113.7.')
  expect(composeMail('password_changed', facts, 'fr').text).toContain('le 1 mars 2026 à 14:05 UTC depuis 203.0.113.7.')
  expect(composeMail('password_changed', { ...facts, ip: undefined }, 'en').text).toContain('at 14:05 UTC.')
})

test('French does not break before double punctuation', () => {
  for (const kind of mailKinds) expect(composeMail(kind, facts, 'fr').text).not.toMatch(/ [:;?!»]|« /)
})

test('a mail without the link or code that it is about is not written', () => {
  expect(() => composeMail('reset_password', { ...facts, link: undefined }, 'en')).toThrow('needs a link')
  expect(() => composeMail('mfa_code', { ...facts, code: undefined }, 'en')).toThrow('needs a code')
})
