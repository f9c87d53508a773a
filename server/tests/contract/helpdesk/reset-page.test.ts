import { expect, inject, test } from 'vitest'
import { helpdeskClient } from './client.ts'

const helpdesk = helpdeskClient(inject('arrangement'))

test.each([
  ['en', 'At least 8 characters, of 3 kinds: lower and upper case, digits, signs.'],
  ['fr', 'Au moins 8 caractères, de 3 sortes : minuscules, majuscules, chiffres, signes.'],
])('H-50 the page for a new password tells the rule that it has to keep, in %s', async (language, hint) => {
  const url = helpdesk.at(`/account/helpdesk/reset-password?token=${'x'.repeat(64)}`)
  const answer = await fetch(url, { headers: { 'accept-language': language } })
  expect(answer.status).toBe(200)
  const page = await answer.text()
  expect(page).toContain(`<html lang="${language}">`)
  expect(page).toContain(`<p class="hint" id="hint">${hint}</p>`)
})

test('H-50 the rule stands in the page again when a password did not keep it', async () => {
  const { email } = await helpdesk.register()
  const asked = await helpdesk.post<{ resetToken: string }>('/api/auth/forgot-password', { json: { email } })
  const token = asked.body.resetToken
  const press = async (password: string) => {
    const body = new URLSearchParams({ token, password, confirmation: password })
    const headers = { 'accept-language': 'en' }
    const answer = await fetch(helpdesk.at('/account/helpdesk/reset-password'), { method: 'POST', body, headers })
    return { status: answer.status, text: await answer.text() }
  }
  const refused = await press('only letters')
  expect(refused.status).toBe(400)
  expect(refused.text).toContain('of 3 kinds: lower and upper case, digits, signs.')
  expect(refused.text).toContain('Use more kinds of characters')
  expect((await press('Another-horse8')).status).toBe(200)
  expect((await helpdesk.login(email, 'Another-horse8')).status).toBe(200)
})
