import { expect, test } from 'vitest'
import { claimsOf, errorCodeOf } from '../../../tests/support/identity-rows.ts'
import { contextOf, identityService, realmWith } from '../../../tests/support/identity-service.ts'
import { sql } from '../../platform/db/database.ts'
import { sha256 } from '../../platform/secrets.ts'
import type { Session } from './index.ts'

const service = identityService('no_secrets')

/** Every table's rows as text, in one: what somebody reads who has a copy of the database. */
async function dump(): Promise<string> {
  const tables = await service.database.many(sql<{ name: string }>`
    SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1`)
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['accounts', 'sessions', 'refresh_tokens', 'mfa_codes', 'verification_tokens', 'mail_jobs']),
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const rows = await service.database.many<{ row: string }>({
      name: '',
      text: `SELECT t::text AS row FROM ${name} t`,
      values: [],
    })
    texts.push(...rows.map(({ row }) => row))
  }
  return texts.join('\n')
}

/** How a secret would look in a dump: as it is, and as the bytes of a column. */
const formsOf = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret, 'base64url').toString('hex'),
  Buffer.from(secret).toString('base64'),
]

test('no table holds a password, code or token that could be used, after all that can happen', async () => {
  const { identity } = service
  const context = contextOf(
    realmWith('journey', { verifiedEmail: 'required', identifier: 'email', secondFactor: 'always' }),
  )
  const email = 'journey@example.org'
  const passwords = [
    'the first secret horse',
    'the second secret horse',
    'the third secret horse',
    'a wrong secret guess',
  ]
  const [first = '', second = '', third = '', wrong = ''] = passwords
  const codes: string[] = []
  const tokens: string[] = []
  const keep = (session: Session): Session => {
    tokens.push(session.accessToken, session.refreshToken)
    return session
  }
  const begin = async (password: string) => {
    const result = await identity.login({ identifier: email, password }, context)
    if (result.kind !== 'second_factor') throw new Error('a second factor is asked of everybody')
    const { sessionToken, code = '' } = result.challenge
    codes.push(code)
    tokens.push(sessionToken)
    return { sessionToken, code }
  }

  const { account, verificationToken = '' } = await identity.createAccount({ email, password: first }, context)
  const resent = await identity.resendVerification(account.id, context)
  tokens.push(verificationToken, resent.verificationToken ?? '')
  await identity.verifyEmail({ token: verificationToken }, context)
  expect(await errorCodeOf(identity.login({ identifier: email, password: wrong }, context))).toBe(
    'identity.invalid_credentials',
  )
  const session = keep(await identity.verifySecondFactor(await begin(first), context))
  const refreshed = keep(await identity.refresh(session.refreshToken, context))
  await begin(first)
  await identity.changePassword({ current: first, password: second }, claimsOf(refreshed), context)
  for (let turn = 0; turn < 2; turn += 1) {
    const { resetToken = '' } = await identity.requestPasswordReset({ email }, context)
    tokens.push(resetToken)
    if (turn === 0) await identity.resetPassword({ token: resetToken, password: third }, context)
  }
  const last = keep(await identity.verifySecondFactor(await begin(third), context))
  await begin(third)
  expect(tokens.every((token) => token.length >= 43)).toBe(true)
  expect(codes.every((code) => /^\d{6}$/.test(code))).toBe(true)

  const text = await dump()
  // What is searched this way would be found: a refresh token's hash is there.
  expect(text).toContain(sha256(last.refreshToken).toString('hex'))
  expect(text).toContain(email)
  for (const secret of [...passwords, ...tokens]) {
    for (const form of formsOf(secret)) expect(text, `${secret} as ${form}`).not.toContain(form)
  }
  for (const code of codes) {
    // As a value of its own: six digits stand in many a hash and time by chance.
    expect(text).not.toMatch(new RegExp(`(?<![\\w.+/-])${code}(?![\\w.+/-])`))
    expect(text).not.toContain(Buffer.from(code).toString('hex'))
  }
  for (const key of ['PRIVATE KEY', '"d":']) expect(text).not.toContain(key)
})
