import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  addressChangedPage,
  addressUndonePage,
  linkFailedPage,
  linkMailedPage,
  passwordChangedPage,
  resetPasswordPage,
  verifiedPage,
  verifyEmailPage,
} from './account.ts'
import { addressPage, codePage, identifyPage } from './forms.ts'
import { pageHeaders } from './layout.ts'

const hostile = `"><script>alert('1')</script>&amp;`
const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;'

/** Every page there is, with whatever it is told. */
const pages = (locale: 'en' | 'fr', told: string): Record<string, string> => {
  const speaker = { locale, title: told }
  return {
    verify: verifyEmailPage({ ...speaker, action: told, token: told }),
    verified: verifiedPage({ ...speaker, already: false }),
    already: verifiedPage({ ...speaker, already: true }),
    invalid: linkFailedPage({ ...speaker, reason: 'invalid' }),
    expired: linkFailedPage({ ...speaker, reason: 'expired_or_used' }),
    reset: resetPasswordPage({ ...speaker, action: told, token: told, minLength: 8 }),
    problem: resetPasswordPage({ ...speaker, action: told, token: told, minLength: 8, problem: told }),
    changed: passwordChangedPage(speaker),
    mailed: linkMailedPage(speaker),
    moved: addressChangedPage(speaker),
    undone: addressUndonePage(speaker),
    forgot: identifyPage({ ...speaker, purpose: 'forgot', tenant: false, action: told, other: told }),
    choose: identifyPage({ ...speaker, purpose: 'choose', tenant: true, action: told, other: told, problem: told }),
    code: codePage({ ...speaker, action: told, sessionToken: told, code: undefined, token: told }),
    shown: codePage({ ...speaker, action: told, sessionToken: told, code: told }),
    change: addressPage({ ...speaker, purpose: 'change', email: told, action: told, token: told, problem: told }),
    undo: addressPage({ ...speaker, purpose: 'undo', email: told, action: told, token: told, needsPassword: true }),
  }
}

describe.each(['en', 'fr'] as const)('in %s', (locale) => {
  test.each(Object.entries(pages(locale, 'Desk & Co')))('%s is a complete document', (_name, text) => {
    expect(text).toMatch(new RegExp(`^<!doctype html>\\n<html lang="${locale}">`))
    expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">')
    expect(text).toMatch(/<title>[^<]+ - Desk &amp; Co<\/title>/)
    expect(text.match(/<h1>[^<]+<\/h1>/g)).toHaveLength(1)
    expect(text).not.toMatch(/undefined|null|\[object|https?:|<script|<img|<link| style=/)
  })

  test.each(Object.entries(pages(locale, hostile)))('%s shows what it is told as text', (_name, text) => {
    expect(text).not.toContain('<script')
    expect(text).toContain(escaped)
  })

  test.each(Object.entries(pages(locale, 'x')))('%s has the style that its policy allows', (_name, text) => {
    const styles = [...text.matchAll(/<style>([\s\S]*?)<\/style>/g)]
    expect(styles).toHaveLength(1)
    const hash = createHash('sha256')
      .update(styles[0]?.[1] ?? '')
      .digest('base64')
    expect(pageHeaders['content-security-policy']).toContain(`style-src 'sha256-${hash}';`)
  })
})

test('the headers let a page do nothing but show itself and send its form', () => {
  const policy = pageHeaders['content-security-policy']?.replace(/ style-src '[^']+';/, '')
  expect(policy).toBe("default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
  expect(pageHeaders).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
  })
})

test('the languages differ, page by page', () => {
  const french = pages('fr', 'x')
  for (const [name, text] of Object.entries(pages('en', 'x'))) {
    const heading = /<h1>.*<\/h1>/
    expect(heading.exec(text)?.[0], name).not.toBe(heading.exec(french[name] ?? '')?.[0])
  }
})

test('to confirm an address is one button that posts the token', () => {
  const text = verifyEmailPage({ locale: 'en', title: 'Clients', action: '/api/auth/verify-email', token: 'abc-_1' })
  expect(text).toContain('<form method="post" action="/api/auth/verify-email">')
  expect(text.match(/<input[^>]*>/g)).toEqual(['<input type="hidden" name="token" value="abc-_1">'])
  expect(text.match(/<button/g)).toHaveLength(1)
  expect(text).toContain('<button type="submit">Confirm my address</button>')
})

test('a new password is asked for twice, with its rule', () => {
  const text = resetPasswordPage({ locale: 'fr', title: 'Portail', action: '/reset', token: 't', minLength: 12 })
  expect([...text.matchAll(/<input[^>]* name="(\w+)"/g)].map(([, name]) => name)).toEqual([
    'token',
    'password',
    'confirmation',
  ])
  expect(text.match(/type="password" autocomplete="new-password" required/g)).toHaveLength(2)
  expect(text).toContain('minlength="12" aria-describedby="hint">')
  expect(text).toContain('Au moins 12 caractères.')
  for (const id of ['password', 'confirmation']) expect(text).toContain(`<label for="${id}">`)
  expect(text).not.toMatch(/role="alert"|aria-invalid="/)
})

test('what was wrong with a password is said first, and at its field', () => {
  const problem = 'The two passwords differ.'
  const text = resetPasswordPage({ locale: 'en', title: 'Desk', action: '/r', token: 't', minLength: 8, problem })
  expect(text).toContain('<title>Problem: Choose a new password - Desk</title>')
  expect(text).toContain(`<p class="problem" id="problem" role="alert">${problem}</p>`)
  expect(text).toContain('aria-describedby="hint problem" aria-invalid="true">')
  // Neither password comes back in the page.
  expect(text).not.toMatch(/type="password"[^>]* value=/)
})

test('an address that was confirmed before is told apart', () => {
  const speaker = { locale: 'en', title: 'Desk' } as const
  expect(verifiedPage({ ...speaker, already: true })).not.toBe(verifiedPage({ ...speaker, already: false }))
})
