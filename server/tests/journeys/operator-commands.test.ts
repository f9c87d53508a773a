import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashSync } from '@node-rs/argon2'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { call, type Pair } from '../contract/shop/client.ts'
import { eventually } from '../support/eventually.ts'
import { call as callClients } from '../support/http-call.ts'
import { preparedDataDir } from '../support/prepared-data.ts'
import { type GuichetProcess, runCommand, startProcess, testEnvironment } from '../support/processes.ts'
import { claimsOf } from '../support/tokens.ts'

// Each command is a process of its own, and opens the database anew.
vi.setConfig({ testTimeout: 60_000 })

let folder: string
let server: GuichetProcess
let environment: Record<string, string>

beforeAll(async () => {
  folder = await preparedDataDir('guichet-operators')
  environment = { ...testEnvironment, GUICHET_DATA_DIR: folder, PORT: '0' }
  server = await startProcess(['start'], environment)
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

const guichet = (...words: string[]) => runCommand(words, environment)
/** The lines that a command prints; it has to succeed. */
async function linesOf(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await guichet(...words)
  expect(code, `${words.join(' ')}: ${stderr}`).toBe(0)
  return stdout.trimEnd().split('\n')
}
const at = (path: string) => `${server.urls.gateway}${path}`
const password = 'long enough'
const register = async (username: string) => {
  const made = await call('POST', at('/auth/register'), { json: { username, password } })
  expect(made.status, made.text).toBe(201)
}
const signIn = (username: string, given = password) =>
  call<Pair>('POST', at('/auth/login'), { json: { username, password: given } })
const tokenOf = async (username: string) => (await signIn(username)).body.data.access_token
const statusOf = async (token: string) => (await call('GET', at('/users/profile'), { token })).status

test('tenant makes a tenant only when it is said to be new, and tells how strict it is', async () => {
  for (let turn = 0; turn < 2; turn += 1) {
    const { code, stdout, stderr } = await guichet('tenant', 'Nope', '--approval', 'on')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('There is no tenant "Nope".')
  }
  const strict = 'Yes: passwords need a score of 3 of 4; an administrator activates who joins.'
  expect(await linesOf('tenant', 'Yes', '--min-password-score', '3', '--approval', 'on', '--new')).toEqual([strict])
  expect((await guichet('tenant', 'Yess')).stderr).toContain('Did you mean "Yes"?')
  expect((await guichet('tenant', 'Yes', '--new')).stderr).toContain('leave --new out')
  expect((await guichet('tenant', 'Yes', '--min-password-score', '5')).stderr).toContain(
    'a number from 0 to 4, not "5"',
  )
  expect(await linesOf('tenant', 'Yes')).toEqual([strict])
  expect(await linesOf('tenant', 'Yes', '--approval', 'off')).toEqual([strict.replace(/;.*/, '; everybody may join.')])

  expect(await linesOf('tenant', 'Yes', '--min-password-score', '0')).toEqual([
    'Yes: passwords need a score of 0 of 4; everybody may join.',
  ])
  await linesOf('tenant', 'Yes', '--min-password-score', '3')

  const weak = { email: 'ada@example.org', password: 'User123!', full_name: 'Ada', tenant_name: 'Yes' }
  const refused = await callClients('POST', at('/api/register'), { json: weak })
  expect(refused.status, refused.text).toBe(400)
  const good = await callClients('POST', at('/api/register'), { json: { ...weak, password: 'Kx9!velvet-Orchid-42' } })
  expect(good.status, good.text).toBe(201)
})

test('account sessions lists what is open, and ends it', async () => {
  await register('sits')
  const tokens = [await tokenOf('sits'), await tokenOf('sits')]
  const [head, ...listed] = await linesOf('account', 'sessions', 'sits')
  expect(head).toBe('2 live sessions of sits.')
  for (const token of tokens) expect(listed.join('\n')).toContain(claimsOf(token).sid)
  expect(listed[0]).toMatch(/ shop .* 127\.0\.0\.1 /)
  for (const token of tokens) expect(await statusOf(token)).toBe(200)
  expect(await linesOf('account', 'sessions', 'sits', '--end')).toEqual(['2 sessions of sits are ended.'])
  for (const token of tokens)
    await eventually(
      () => statusOf(token),
      (status) => expect(status).toBe(401),
    )
  expect(await linesOf('account', 'sessions', 'sits')).toEqual(['0 live sessions of sits.'])
  expect((await guichet('account', 'sessions', 'nobody-here')).stderr).toContain('no such account')
})

test('account deactivate keeps somebody out at once, activate lets them in again', async () => {
  await register('pauses')
  const token = await tokenOf('pauses')
  expect(await linesOf('account', 'deactivate', 'pauses')).toEqual([expect.stringContaining('cannot sign in any more')])
  await eventually(
    () => statusOf(token),
    (status) => expect(status).toBe(401),
  )
  expect((await signIn('pauses')).status).toBe(403)
  expect(await linesOf('account', 'activate', 'pauses')).toEqual(['pauses can sign in.'])
  expect(await statusOf(await tokenOf('pauses'))).toBe(200)
  expect(await statusOf(token), 'what was ended stays so').toBe(401)
})

test('an account is given back to its owner, and deleted: set-password, set-email, reset-link, delete, release-name', async () => {
  await register('repaired')
  const token = await tokenOf('repaired')
  const [said, shown = ''] = await linesOf('account', 'set-password', 'repaired')
  expect(said).toBe('The password of repaired is set, and every session is ended.')
  const given = shown.replace('Its password, shown this once: ', '')
  await eventually(
    () => statusOf(token),
    (status) => expect(status).toBe(401),
  )
  expect((await signIn('repaired')).status).toBe(401)
  expect((await signIn('repaired', given)).status).toBe(200)
  expect((await guichet('account', 'reset-link', 'repaired')).stderr).toContain('No link was mailed to repaired')
  const [moved] = await linesOf('account', 'set-email', 'repaired', 'repaired@example.org')
  expect(moved).toMatch(/^repaired now has the address repaired@example\.org/)
  expect(await linesOf('account', 'reset-link', 'repaired@example.org')).toEqual([
    'A link to choose a password is on its way to repaired@example.org.',
  ])
  expect(await linesOf('account', 'delete', 'repaired')).toEqual(['repaired is deleted, in every realm.'])
  expect((await signIn('repaired', given)).status).toBe(401)
  const again = () => call('POST', at('/auth/register'), { json: { username: 'repaired', password } })
  expect((await again()).status, 'a chosen name is kept').toBe(400)
  expect(await linesOf('account', 'release-name', 'repaired')).toEqual(['The name repaired can be used again.'])
  expect((await again()).status).toBe(201)
})

test('import accounts checks without writing, then takes them over; mfa-off spares one the code', async () => {
  const file = join(folder, 'accounts.ndjson')
  const hash = hashSync(password, { memoryCost: 64, timeCost: 1, parallelism: 1 })
  const moved = { username: 'moved', email: 'moved@example.org', email_verified: true, second_factor: true }
  await writeFile(file, `${JSON.stringify({ ...moved, password_hash: hash })}\n{"username":"bare"}\n`)
  const checked = await linesOf('import', 'accounts', file, '--dry-run')
  expect([checked[0], checked.at(-1)]).toEqual(['2 accounts fit:', 'Nothing was written.'])
  expect((await signIn('moved')).status).toBe(401)
  expect((await linesOf('import', 'accounts', file)).at(-1)).toBe('2 accounts were imported.')

  const asked = await signIn('moved')
  expect(asked.status).toBe(403)
  expect(asked.body).toMatchObject({ code: 'MFA_REQUIRED' })
  expect(await linesOf('account', 'mfa-off', 'moved')).toEqual(['moved is asked for no second factor any more.'])
  expect((await signIn('moved')).status).toBe(200)
  expect(await linesOf('account', 'mfa-off', 'moved')).toEqual(['The second factor of moved was off already.'])

  const again = await guichet('import', 'accounts', file, '--dry-run')
  expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 1, stdout: '' })
  expect(again.stderr).toMatch(/line 1: [\s\S]*line 2: /)
})

test('keys lists the keys; rotate publishes the next one, rotate --now signs with it, and older tokens stay good', async () => {
  const kidOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
  const published = async () => {
    const { keys } = (await (await fetch(at('/.well-known/jwks.json'))).json()) as { keys: { kid: string }[] }
    return keys.map(({ kid }) => kid)
  }
  await register('signed')
  const before = await tokenOf('signed')
  const listed = await linesOf('keys')
  expect(listed).toEqual([expect.stringMatching(new RegExp(`^${kidOf(before)}  \\S+ +made \\S+  signs from \\S+$`))])

  const [said = ''] = await linesOf('keys', 'rotate')
  const next = /^The key (\S+) is published and signs from /.exec(said)?.[1] ?? ''
  await eventually(published, (kids) => expect(kids.sort()).toEqual([kidOf(before), next].sort()))
  expect(kidOf(await tokenOf('signed'))).toBe(kidOf(before))

  expect(await linesOf('keys', 'rotate', '--now')).toEqual([`The key ${next} signs now.`])
  const after = await eventually(
    () => tokenOf('signed'),
    (token) => expect(kidOf(token)).toBe(next),
  )
  for (const token of [before, after]) expect(await statusOf(token)).toBe(200)
  expect(await linesOf('keys')).toHaveLength(2)

  const unknown = await guichet('keys', 'revoke', 'no-such-key')
  expect({ code: unknown.code, stderr: unknown.stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('There is no signing key "no-such-key".'),
  })
  await linesOf('keys', 'revoke', kidOf(before))
  await eventually(
    () => statusOf(before),
    (status) => expect(status).toBe(401),
  )
  expect(await statusOf(after)).toBe(200)
})
