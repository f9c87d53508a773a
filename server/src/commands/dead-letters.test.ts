import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { mailJobs } from '../../tests/support/mail-jobs.ts'
import { sql } from '../platform/db/database.ts'
import { deadLetters } from './dead-letters.ts'

const jobs = mailJobs('dead letters of mail')

beforeEach(() => {
  vi.stubEnv('GUICHET_DEV', 'true')
  vi.stubEnv('LOG_LEVEL', 'silent')
  // Only identity's is there: mail is nobody else's.
  for (const service of ['PROFILES', 'ORDERS'])
    vi.stubEnv(`${service}_DATABASE_URL`, `postgresql://u:p@[::1]:1/${service}`)
  vi.stubEnv('IDENTITY_DATABASE_URL', jobs.url)
})
afterEach(() => void vi.unstubAllEnvs())

async function linesOf(replay = false): Promise<string[]> {
  const lines: string[] = []
  await deadLetters('mail', { replay, topology: 'all' }, (line) => void lines.push(line))
  return lines
}

test('mails that were given up are listed, and due again once they are replayed', async () => {
  const account = await jobs.account()
  const [dead, waiting] = [
    await jobs.queue(account, { kind: 'new_device' }),
    await jobs.queue(account, { kind: 'new_device' }),
  ]
  await jobs.database.run(sql`
    UPDATE mail_jobs SET dead_at = '2030-01-02T03:04:05Z', attempts = 9, last_error = 'SMTP 550' WHERE id = ${dead}`)
  const listed = `  ${dead}  new_device of test  2030-01-02T03:04:05.000Z  9 attempts: SMTP 550`
  expect(await linesOf()).toEqual(['1 dead letters of mail.', listed])
  expect(await linesOf(true)).toEqual([expect.stringMatching(/^1 mails are due again/)])
  for (const id of [dead, waiting]) expect(await jobs.job(id)).toMatchObject({ attempts: 0, dead: false, sent: false })
  expect(await linesOf(true)).toEqual([expect.stringMatching(/^0 mails are due again/)])
  expect(await linesOf()).toEqual(['0 dead letters of mail.'])
})
