import { expect, onTestFinished, test, vi } from 'vitest'
import { localNotices } from '../../../../tests/support/local-notices.ts'
import { type MailCatcher, startMailCatcher } from '../../../../tests/support/mail-catcher.ts'
import { mailJobs, testSources } from '../../../../tests/support/mail-jobs.ts'
import { sql } from '../../../platform/db/database.ts'
import { silentLogger } from '../../../platform/log.ts'
import { MailFailure, type MailMessage, type MailTransport, smtpTransport } from '../../../platform/mail.ts'
import { listDeadMails, replayDeadMails } from '../store/dead-mails.ts'
import { type MailWorkerOptions, mailChannel, startMailWorker } from './mail-worker.ts'

const jobs = mailJobs('mails')
const { secrets } = testSources
const notices = localNotices()
const within = { timeout: 10_000 }
const answered = { permanent: false, unreachable: false }

const catcher = async (...options: Parameters<typeof startMailCatcher>): Promise<MailCatcher> => {
  const started = await startMailCatcher(...options)
  onTestFinished(started.stop)
  return started
}

const smtp = (port: number): MailTransport => {
  const transport = smtpTransport({
    host: '127.0.0.1',
    port,
    tls: 'none',
    from: 'a@guichet.example',
    deadlineMs: 2_000,
  })
  onTestFinished(transport.close)
  return transport
}

/** A worker that is stopped at the test's end, and what it said became of its mails. */
const worker = (transport: MailTransport | undefined, options: Partial<MailWorkerOptions> = {}) => {
  const outcomes: string[] = []
  const started = startMailWorker({
    ...testSources,
    database: jobs.database,
    notices,
    transport,
    log: silentLogger(),
    retries: { firstMs: 50, longestMs: 200, attempts: 100 },
    onOutcome: (kind, outcome) => outcomes.push(`${kind} ${outcome}`),
    ...options,
  })
  onTestFinished(started.stop)
  return { outcomes, stop: started.stop }
}

test('a notice wakes it, and the mail comes once, with the link to where people reach the contract', async () => {
  const server = await catcher()
  const { outcomes } = worker(smtp(server.port))
  const account = await jobs.account({ name: 'Ada' })
  const challengeId = await jobs.link(account, 'email_verification')
  const id = await jobs.queue(account, { kind: 'verify_email', challengeId })
  await notices.announce(mailChannel)
  const mail = await server.waitFor(({ messageId }) => messageId === `<${id}@guichet.example>`)
  expect(mail.to).toBe('new@example.org')
  expect(mail.text).toContain('Hello Ada,')
  expect(mail.text).toContain(`https://test.example.org/verify/${account}?token=${secrets.tokenOf(challengeId)}\n`)
  expect(mail.text).toContain('for 1 hour.')
  await vi.waitFor(
    async () => expect(await jobs.job(id)).toMatchObject({ sent: true, attempts: 1, lastError: null }),
    within,
  )
  await vi.waitFor(() => expect(outcomes).toEqual(['verify_email sent']), within)
  expect(server.mails).toHaveLength(1)
})

test('each kind goes to its own recipient, in the account’s language', async () => {
  const server = await catcher()
  const account = await jobs.account({ email: 'now@example.org', locale: 'fr' })
  const reset = await jobs.link(account, 'password_reset', { email: 'link@example.org' })
  const change = await jobs.link(account, 'address_change', { email: 'next@example.org', goodFor: 24 * 3600 })
  const undo = await jobs.link(account, 'address_undo', { email: 'before@example.org', goodFor: 7 * 24 * 3600 })
  const challengeId = await jobs.code(account)
  await jobs.queue(account, { kind: 'reset_password', challengeId: reset })
  await jobs.queue(account, { kind: 'confirm_address', challengeId: change })
  await jobs.queue(account, { kind: 'address_changed', challengeId: undo })
  await jobs.queue(account, { kind: 'mfa_code', challengeId })
  for (const kind of ['account_locked', 'account_locked_by_codes']) await jobs.queue(account, { kind })
  worker(smtp(server.port))
  await vi.waitFor(() => expect(server.mails).toHaveLength(6), within)
  const to = (recipient: string) => server.mails.filter((mail) => mail.to === recipient).map(({ text }) => text)
  expect(to('link@example.org')[0]).toContain(`https://test.example.org/reset?token=${secrets.tokenOf(reset)}\n`)
  expect(to('next@example.org')[0]).toContain(`https://test.example.org/change?token=${secrets.tokenOf(change)}\n`)
  expect(to('next@example.org')[0]).toContain('pendant 24\u00a0heures.')
  expect(to('before@example.org')[0]).toContain('a été changée')
  expect(to('before@example.org')[0]).toContain(`https://test.example.org/undo?token=${secrets.tokenOf(undo)}\n`)
  expect(to('before@example.org')[0]).toContain('pendant 7\u00a0jours.')
  expect(to('now@example.org').some((text) => text.includes(secrets.codeOf(challengeId)))).toBe(true)
  expect(to('now@example.org').filter((text) => text.includes('15 minutes'))).toHaveLength(2)
  for (const { text } of server.mails) expect(text).toContain('Bonjour,')
})

test('an invitation goes to the address of its link, what is said of a realm to the account’s', async () => {
  const server = await catcher()
  const account = await jobs.account({ email: 'now@example.org' })
  const goodFor = 7 * 24 * 3600
  const invitation = await jobs.link(account, 'password_reset', { email: 'invited@example.org', goodFor })
  await jobs.queue(account, { kind: 'invited', challengeId: invitation })
  for (const kind of ['joined', 'added', 'how_to_join']) await jobs.queue(account, { kind })
  worker(smtp(server.port))
  await vi.waitFor(() => expect(server.mails).toHaveLength(4), within)
  const to = (recipient: string) => server.mails.filter((mail) => mail.to === recipient).map(({ text }) => text)
  expect(to('invited@example.org')[0]).toContain(
    `https://test.example.org/reset?token=${secrets.tokenOf(invitation)}\n`,
  )
  expect(to('invited@example.org')[0]).toContain('for 7 days.')
  expect(to('now@example.org')).toHaveLength(3)
})

test('says from where it was done, as the activity of the same transaction has it', async () => {
  const server = await catcher()
  const account = await jobs.account()
  const id = await jobs.queue(account, { kind: 'new_device' })
  await jobs.database.run(sql`
    INSERT INTO activities (account_id, tenant_id, contract, action, ip, created_at)
    SELECT j.account_id, a.tenant_id, 'test', 'login', '203.0.113.9', j.created_at
      FROM mail_jobs j JOIN accounts a ON a.id = j.account_id WHERE j.id = ${id}`)
  worker(smtp(server.port))
  const { text } = await server.waitFor(() => true)
  expect(text).toContain('from 203.0.113.9')
})

test('while the server is away it tries again, and delivers when it is back', async () => {
  const away = await startMailCatcher()
  await away.stop()
  const { outcomes } = worker(smtp(away.port))
  const id = await jobs.queue(await jobs.account(), { kind: 'password_changed' })
  await notices.announce(mailChannel)
  await vi.waitFor(async () => expect((await jobs.job(id)).attempts).toBeGreaterThan(1), within)
  expect(await jobs.job(id)).toMatchObject({ sent: false, dead: false })
  expect((await jobs.job(id)).lastError).toMatch(/^E[A-Z]+$/)
  const back = await catcher(away.port)
  await back.waitFor(({ messageId }) => messageId.includes(id))
  await vi.waitFor(async () => expect(await jobs.job(id)).toMatchObject({ sent: true, lastError: null }), within)
  expect(outcomes).toContain('password_changed failed')
})

test.each<[string, () => Promise<void>]>([
  ['a mail is taken', async () => undefined],
  ['it answers, though with a refusal', () => Promise.reject(new MailFailure('SMTP 451', answered))],
])('while the server is away one mail at a time tries, and five again once %s', async (_what, answer) => {
  let send = () => Promise.reject<void>(new MailFailure('ECONNREFUSED', { ...answered, unreachable: true }))
  const { outcomes } = worker({ deadlineMs: 60_000, send: () => send(), close: () => undefined })
  const account = await jobs.account()
  const queue = (count: number) =>
    Promise.all(Array.from({ length: count }, () => jobs.queue(account, { kind: 'new_device' })))
  await queue(1)
  await notices.announce(mailChannel)
  await vi.waitFor(() => expect(outcomes).toContain('new_device failed'), within)

  const underWay: { end(outcome: Promise<void>): void }[] = []
  send = () => new Promise<void>((end) => underWay.push({ end }))
  onTestFinished(() => {
    for (const { end } of underWay) end(Promise.resolve())
  })
  await queue(5)
  await vi.waitFor(() => expect(underWay).not.toEqual([]), within)
  expect(underWay).toHaveLength(1)
  underWay.pop()?.end(answer())
  await vi.waitFor(() => expect(underWay).toHaveLength(5), within)

  send = async () => undefined
  for (const { end } of underWay.splice(0)) end(Promise.resolve())
  await vi.waitFor(async () => {
    expect(await jobs.database.many(sql`SELECT id FROM mail_jobs WHERE sent_at IS NULL`)).toEqual([])
  }, within)
})

test('a mail refused for good is a dead letter at once, and can be replayed', async () => {
  let strict = true
  const server = await catcher(0, {
    onRcptTo: (_address, _session, done) =>
      done(strict ? Object.assign(new Error('5.1.1 ada@example.org? never'), { responseCode: 550 }) : undefined),
  })
  const { outcomes } = worker(smtp(server.port))
  const id = await jobs.queue(await jobs.account(), { kind: 'password_changed' })
  await notices.announce(mailChannel)
  await vi.waitFor(async () => expect(await jobs.job(id)).toMatchObject({ dead: true, attempts: 1 }), within)
  expect(await listDeadMails(jobs.database)).toMatchObject([
    { id, kind: 'password_changed', contract: 'test', attempts: 1, reason: 'SMTP 550 5.1.1' },
  ])
  strict = false
  expect(await replayDeadMails(jobs.database)).toBe(1)
  await notices.announce(mailChannel)
  await server.waitFor(({ messageId }) => messageId.includes(id))
  await vi.waitFor(() => expect(outcomes).toEqual(['password_changed dead', 'password_changed sent']), within)
  expect(await listDeadMails(jobs.database)).toEqual([])
})

test('what keeps failing is given up after its last attempt', async () => {
  const busy: MailTransport = {
    deadlineMs: 1_000,
    send: () => Promise.reject(new MailFailure('SMTP 451', { permanent: false, unreachable: false })),
    close: () => undefined,
  }
  const { outcomes } = worker(busy, { retries: { firstMs: 10, longestMs: 20, attempts: 3 } })
  const id = await jobs.queue(await jobs.account(), { kind: 'new_device' })
  await notices.announce(mailChannel)
  await vi.waitFor(async () => expect(await jobs.job(id)).toMatchObject({ dead: true, attempts: 3 }), within)
  await vi.waitFor(
    () => expect(outcomes).toEqual(['new_device failed', 'new_device failed', 'new_device dead']),
    within,
  )
  await jobs.database.run(sql`DELETE FROM mail_jobs WHERE id = ${id}`)
})

test('what cannot be written is given up too, and its reason holds nothing of it', async () => {
  const broken = { ...testSources, baseUrlOf: () => expect.fail('https://test.example.org/?token=secret') }
  const account = await jobs.account()
  const challengeId = await jobs.link(account, 'password_reset')
  const unknown = await jobs.queue(account, { kind: 'password_changed', contract: 'gone' })
  const failing = await jobs.queue(account, { kind: 'reset_password', challengeId })
  worker(undefined, { ...broken, retries: { firstMs: 10, longestMs: 20, attempts: 2 } })
  await vi.waitFor(async () => expect(await jobs.job(failing)).toMatchObject({ dead: true }), within)
  await vi.waitFor(async () => expect(await jobs.job(unknown)).toMatchObject({ dead: true }), within)
  expect(await jobs.job(unknown)).toMatchObject({ lastError: 'unknown contract' })
  expect((await jobs.job(failing)).lastError).not.toContain('secret')
  await jobs.database.run(sql`DELETE FROM mail_jobs WHERE dead_at IS NOT NULL`)
})

test('any number of workers send each mail once', async () => {
  const server = await catcher()
  const account = await jobs.account()
  const ids: string[] = []
  for (let turn = 0; turn < 40; turn += 1) ids.push(await jobs.queue(account, { kind: 'password_changed' }))
  const first = worker(smtp(server.port))
  const second = worker(smtp(server.port))
  await vi.waitFor(async () => {
    const open = await jobs.database.many(sql`SELECT id FROM mail_jobs WHERE sent_at IS NULL`)
    expect(open).toEqual([])
  }, within)
  await first.stop()
  await second.stop()
  const messageIds = server.mails.map(({ messageId }) => messageId)
  expect(messageIds.sort()).toEqual(ids.map((id) => `<${id}@guichet.example>`).sort())
})

test('what a dead process had claimed is sent when its lease is over', async () => {
  const server = await catcher()
  const id = await jobs.queue(await jobs.account(), { kind: 'password_changed' })
  await jobs.database.run(sql`UPDATE mail_jobs SET attempts = 1, due_at = now() + interval '1 second' WHERE id = ${id}`)
  worker(smtp(server.port))
  await server.waitFor(({ messageId }) => messageId.includes(id))
})

test.each([
  ['expired', (id: string) => sql`UPDATE verification_tokens SET expires_at = now() - interval '1 s' WHERE id = ${id}`],
  ['used', (id: string) => sql`UPDATE verification_tokens SET used_at = now() WHERE id = ${id}`],
  ['revoked', (id: string) => sql`UPDATE verification_tokens SET revoked_at = now() WHERE id = ${id}`],
  ['gone', (id: string) => sql`DELETE FROM verification_tokens WHERE id = ${id}`],
])('a link that is %s is not mailed', async (_state, change) => {
  const account = await jobs.account()
  const challengeId = await jobs.link(account, 'password_reset')
  const kinds = ['confirm_address', 'invited', 'reset_password']
  const ids = await Promise.all(kinds.map((kind) => jobs.queue(account, { kind, challengeId })))
  await jobs.database.run(change(challengeId))
  const sent: MailMessage[] = []
  const { outcomes } = worker(recording(sent))
  await vi.waitFor(() => expect(outcomes.sort()).toEqual(kinds.map((kind) => `${kind} dropped`)), within)
  for (const id of ids) expect(await jobs.job(id)).toMatchObject({ sent: true, lastError: 'no longer needed' })
  expect(sent).toEqual([])
})

test('an account without an address gets no mail', async () => {
  const id = await jobs.queue(await jobs.account({ email: null }), { kind: 'account_locked' })
  const sent: MailMessage[] = []
  const { outcomes } = worker(recording(sent))
  await vi.waitFor(() => expect(outcomes).toEqual(['account_locked dropped']), within)
  expect(await jobs.job(id)).toMatchObject({ sent: true, lastError: 'no longer needed' })
  expect(sent).toEqual([])
})

test('without a transport mails count as sent', async () => {
  const { outcomes } = worker(undefined)
  const id = await jobs.queue(await jobs.account(), { kind: 'new_device' })
  await notices.announce(mailChannel)
  await vi.waitFor(() => expect(outcomes).toEqual(['new_device sent']), within)
  expect(await jobs.job(id)).toMatchObject({ sent: true, lastError: null })
})

test('stopping waits for the mail under way', async () => {
  let letGo: (() => void) | undefined
  const slow: MailTransport = {
    deadlineMs: 10_000,
    send: () => new Promise((resolve) => (letGo = resolve)),
    close: () => undefined,
  }
  const { stop } = worker(slow)
  const id = await jobs.queue(await jobs.account(), { kind: 'new_device' })
  await notices.announce(mailChannel)
  await vi.waitFor(() => expect(letGo).toBeTypeOf('function'), within)
  const stopping = stop()
  letGo?.()
  await stopping
  expect(await jobs.job(id)).toMatchObject({ sent: true })
})

const recording = (sent: MailMessage[]): MailTransport => ({
  deadlineMs: 1_000,
  send: async (mail) => void sent.push(mail),
  close: () => undefined,
})
