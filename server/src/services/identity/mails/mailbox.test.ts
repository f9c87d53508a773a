import { expect, test } from 'vitest'
import { mailJobs, testSources } from '../../../../tests/support/mail-jobs.ts'
import { sql } from '../../../platform/db/database.ts'
import { recentMails } from './mailbox.ts'

const jobs = mailJobs('mailbox')
const recent = () => recentMails({ ...testSources, database: jobs.database })()

test('shows mails as they were sent, the newest first, from rows that hold no secret', async () => {
  const account = await jobs.account()
  const challengeId = await jobs.code(account)
  const link = await jobs.link(account, 'email_verification')
  const code = await jobs.queue(account, { kind: 'mfa_code', challengeId })
  const verify = await jobs.queue(account, { kind: 'verify_email', challengeId: link })
  await jobs.database.run(sql`UPDATE mail_jobs SET sent_at = now(), attempts = 1 WHERE id = ${code}`)
  const mails = await recent()
  expect(mails.map(({ id }) => id)).toEqual([verify, code])
  expect(mails[0]).toMatchObject({
    to: 'new@example.org',
    contract: 'test',
    kind: 'verify_email',
    sentAt: null,
    attempts: 0,
  })
  expect(mails[0]?.text).toContain(testSources.secrets.tokenOf(link))
  expect(mails[1]).toMatchObject({ to: 'ada@example.org', kind: 'mfa_code', sentAt: expect.any(Date), attempts: 1 })
  expect(mails[1]?.text).toContain(testSources.secrets.codeOf(challengeId))
  expect(mails[1]?.text).toContain('for 5 minutes.')
})

test('leaves out what cannot be written, and what is beyond the newest 50', async () => {
  const account = await jobs.account()
  await jobs.queue(account, { kind: 'verify_email' })
  await jobs.queue(account, { kind: 'of another version' })
  await jobs.queue(await jobs.account({ email: null }), { kind: 'new_device' })
  const newest = await jobs.queue(account, { kind: 'new_device' })
  expect((await recent()).map(({ id }) => id)).toContain(newest)
  expect((await recent()).filter(({ kind }) => kind === 'of another version')).toEqual([])
  for (let turn = 0; turn < 55; turn += 1) await jobs.queue(account, { kind: 'password_changed' })
  const kinds = (await recent()).map(({ kind }) => kind)
  expect(kinds).toHaveLength(50)
  expect(new Set(kinds)).toEqual(new Set(['password_changed']))
})
