import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { call, expectFailure, shopClient, type User } from './client.ts'

const arrangement = inject('arrangement')
const shop = shopClient(arrangement)

const newAddress = () => `${uniqueName('person')}@example.org`

test('S-20 a username that is an e-mail address has to be the account’s own', async () => {
  const [name, other] = [newAddress(), newAddress()]
  for (const more of [{ email: other }, { email: '' }, { email: null }, {}]) {
    const json = { username: name, password: 'long enough', ...more }
    const note = JSON.stringify(more)
    expectFailure(await shop.post('/auth/register', { json }), 400, 'CREATION_FAILED', note)
    const token = await shop.admin()
    expectFailure(await shop.post('/users', { json, token }), 400, 'CREATION_FAILED', note)
  }
  const json = { username: name, password: 'long enough', email: name }
  const own = await shop.post('/auth/register', { json })
  expect(own.status, own.text).toBe(201)
  await shop.signIn(name, 'long enough')
})

interface Mail {
  contract: string
  kind: string
  to: string
  text: string
}
const mailsTo = async (email: string): Promise<Mail[]> => {
  const answer = await fetch(`${shop.urls.auth}/dev/mailbox`, { headers: { accept: 'application/json' } })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as Mail[]).filter(({ to }) => to === email)
}
const identityOf = async (username: string) => {
  const text = 'SELECT email, email_verified_at IS NOT NULL AS verified FROM accounts WHERE username = $1'
  const [account] = await shop.rows<{ email: string | null; verified: boolean }>('identity', text, [username])
  return account
}

test('S-32 a new e-mail address in the profile counts for sign-in and recovery once its mailed link is opened', async () => {
  const person = await shop.register()
  const [first, second] = [newAddress(), newAddress()]
  /** Changes the address and gives the token of the link that is mailed to it. */
  const change = async (email: string) => {
    const answer = await shop.put<User>(`/users/${person.id}`, { token: person.token, json: { email } })
    expect(answer.body.data.email, answer.text).toBe(email)
    const [mail] = await eventually(
      () => mailsTo(email),
      (mails) => expect(mails).toHaveLength(1),
    )
    expect(mail).toMatchObject({ contract: 'shop', kind: 'confirm_address' })
    return tokenIn(mail, 'change-address')
  }
  const tokenIn = (mail: Mail | undefined, page: string): string => {
    const token = new RegExp(`/account/shop/${page}\\?token=([\\w-]{64})`).exec(mail?.text ?? '')?.[1]
    expect(token, mail?.text).toHaveLength(64)
    return token ?? ''
  }
  const press = async (page: string, form: Record<string, string>) => {
    const answer = await fetch(shop.at(`/account/shop/${page}`), { method: 'POST', body: new URLSearchParams(form) })
    return { status: answer.status, text: await answer.text() }
  }
  const confirm = (token: string, password = person.password) => press('change-address', { token, password })
  /** Where one signs in by a proven address: only on the gateway that all contracts share. */
  const signsInBy = async (email: string) => {
    const json = { email, password: person.password }
    return (await call('POST', shop.at('/api/auth/login'), { json })).status === 200
  }
  const shared = arrangement.name === 'all'

  const token = await change(first)
  expect(await identityOf(person.username)).toEqual({ email: null, verified: false })
  if (shared) expect(await signsInBy(first)).toBe(false)
  const opened = await fetch(shop.at(`/account/shop/change-address?token=${token}`))
  expect([opened.status, await opened.text()]).toEqual([200, expect.stringContaining(first)])
  expect((await confirm(token, 'not the password')).status).toBe(400)
  expect(await identityOf(person.username)).toEqual({ email: null, verified: false })

  expect(await confirm(token)).toEqual({ status: 200, text: expect.stringContaining('Your address is changed') })
  expect(await identityOf(person.username)).toEqual({ email: first, verified: true })
  if (shared) expect(await signsInBy(first)).toBe(true)
  expect((await shop.get('/users/profile', { token: person.token })).status, 'tokens from before').toBe(401)

  person.token = (await shop.signIn(person.username, person.password)).access_token
  const secondToken = await change(second)
  expect(await identityOf(person.username)).toEqual({ email: first, verified: true })
  expect((await mailsTo(first)).map(({ kind }) => kind)).not.toContain('address_changed')
  expect((await confirm(secondToken)).status).toBe(200)
  expect(await identityOf(person.username)).toEqual({ email: second, verified: true })
  const [told] = await eventually(
    async () => (await mailsTo(first)).filter(({ kind }) => kind === 'address_changed'),
    (mails) => expect(mails).toHaveLength(1),
  )
  if (shared) expect([await signsInBy(first), await signsInBy(second)]).toEqual([false, true])
  const { access_token } = await shop.signIn(person.username, person.password)

  // Whoever has the mailbox before takes the account back.
  const undo = tokenIn(told, 'undo-address')
  const asked = await fetch(shop.at(`/account/shop/undo-address?token=${undo}`))
  expect([asked.status, await asked.text()]).toEqual([200, expect.stringContaining(first)])
  expect(await identityOf(person.username)).toEqual({ email: second, verified: true })
  expect((await press('undo-address', { token: undo })).status).toBe(200)
  expect(await identityOf(person.username)).toEqual({ email: first, verified: true })
  expect((await shop.get('/users/profile', { token: access_token })).status).toBe(401)
  expect((await press('undo-address', { token: undo })).status, 'once').toBe(400)
  const [reset] = await eventually(
    async () => (await mailsTo(first)).filter(({ kind }) => kind === 'reset_password'),
    (mails) => expect(mails).toHaveLength(1),
  )
  const password = 'another long password'
  const link = tokenIn(reset, 'reset-password')
  expect((await press('reset-password', { token: link, password, confirmation: password })).status).toBe(200)
  await shop.signIn(person.username, password)
})
