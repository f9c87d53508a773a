import { expect, inject, test } from 'vitest'
import { tenantsClient } from './client.ts'

const api = tenantsClient(inject('arrangement'))

test.each([
  ['en', 'At least 8 characters, of 4 kinds: lower and upper case, digits, signs.'],
  ['fr', 'Au moins 8 caractères, de 4 sortes : minuscules, majuscules, chiffres, signes.'],
])('T-44 the page for a new password tells the rule that it has to keep, in %s', async (language, hint) => {
  const url = api.at(`/account/tenants/reset-password?token=${'x'.repeat(64)}`)
  const answer = await fetch(url, { headers: { 'accept-language': language } })
  expect(answer.status).toBe(200)
  const page = await answer.text()
  expect(page).toContain(`<html lang="${language}">`)
  expect(page).toContain(`<p class="hint" id="hint">${hint}</p>`)
})
