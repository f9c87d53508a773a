import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type MailCatcher, startMailCatcher } from '../../tests/support/mail-catcher.ts'
import { type SmtpOptions, smtpTransport } from './mail.ts'

const message = {
  id: '01900000-0000-7000-8000-00000000000a',
  to: 'ada@example.org',
  subject: 'Accents: é',
  text: 'the secret 482913\n',
  html: '<p>the secret 482913</p>',
}

const transport = (port: number, options: Partial<SmtpOptions> = {}) => {
  const made = smtpTransport({
    host: '127.0.0.1',
    port,
    tls: 'none',
    from: 'Guichet <no-reply@guichet.example>',
    deadlineMs: 2_000,
    ...options,
  })
  onTestFinished(made.close)
  return made
}

const catcher = async (options?: Parameters<typeof startMailCatcher>[1]): Promise<MailCatcher> => {
  const started = await startMailCatcher(0, options)
  onTestFinished(started.stop)
  return started
}

const failure = (sending: Promise<void>) =>
  sending.then(
    () => expect.fail('it was sent'),
    (error: Error) => error,
  )

test('delivers text and HTML, marked as automatic, under an id made from the job', async () => {
  const server = await catcher()
  await transport(server.port).send(message)
  expect(server.mails).toHaveLength(1)
  expect(server.mails[0]).toMatchObject({
    to: 'ada@example.org',
    subject: 'Accents: é',
    text: 'the secret 482913',
    messageId: `<${message.id}@guichet.example>`,
    headers: { from: 'Guichet <no-reply@guichet.example>', 'auto-submitted': 'auto-generated' },
  })
  expect(server.mails[0]?.html).toContain('<p>the secret 482913</p>')
})

test('an address is never read as a list', async () => {
  const server = await catcher()
  for (const to of ['a@example.org,b@example.org', 'a@example.org>,<b@example.org']) {
    expect(await failure(transport(server.port).send({ ...message, to }))).toMatchObject({ permanent: true })
  }
  expect(server.mails).toEqual([])
})

const replying = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode }) as Error

test.each([
  {
    stage: 'recipient',
    code: 550,
    said: '5.1.1 no such user ada@example.org',
    permanent: true,
    reason: 'SMTP 550 5.1.1',
  },
  { stage: 'recipient', code: 450, said: '4.2.0 greylisted', permanent: false, reason: 'SMTP 450 4.2.0' },
  { stage: 'recipient', code: 530, said: '5.7.0 sign in first', permanent: false, reason: 'SMTP 530 5.7.0' },
  { stage: 'data', code: 554, said: 'I dislike "the secret 482913"', permanent: true, reason: 'SMTP 554' },
])('$code at the $stage', async ({ stage, code, said, permanent, reason }) => {
  const server = await catcher(
    stage === 'data'
      ? { onData: (stream, _session, done) => void stream.resume().on('end', () => done(replying(code, said))) }
      : { onRcptTo: (_address, _session, done) => done(replying(code, said)) },
  )
  const error = await failure(transport(server.port).send(message))
  expect(error).toMatchObject({ name: 'MailFailure', message: reason, permanent })
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/482913|ada@|such user/)
})

test('wrong credentials are nobody’s mail’s fault', async () => {
  const server = await catcher({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: (_auth, _session, done) => done(new Error('no')),
  })
  const error = await failure(transport(server.port, { username: 'u', password: 'wrong' }).send(message))
  expect(error).toMatchObject({ permanent: false, unreachable: true })
})

test('a server that is away is said to be', async () => {
  const server = await startMailCatcher()
  await server.stop()
  expect(await failure(transport(server.port).send(message))).toMatchObject({ permanent: false, unreachable: true })
})

test('a required encryption that the server lacks sends nothing', async () => {
  const server = await catcher()
  await failure(transport(server.port, { tls: 'required' }).send(message))
  expect(server.mails).toEqual([])
  await transport(server.port, { tls: 'opportunistic' }).send(message)
  expect(server.mails).toHaveLength(1)
})

test('opportunistic encryption takes any certificate, a required one does not', async () => {
  const server = await catcher({ disabledCommands: ['AUTH'] })
  await transport(server.port, { tls: 'opportunistic' }).send(message)
  expect(server.mails).toHaveLength(1)
  await failure(transport(server.port, { tls: 'required' }).send(message))
  expect(server.mails).toHaveLength(1)
})

test('a server that trickles is given up at the deadline', async () => {
  const server = await trickling()
  const began = Date.now()
  expect(await failure(transport(server, { deadlineMs: 400 }).send(message))).toMatchObject({ permanent: false })
  expect(Date.now() - began).toBeLessThan(3_000)
})

/** Greets without end: each line comes in time, the whole never does. */
async function trickling(): Promise<number> {
  const server: Server = createServer((socket) => {
    const line = setInterval(() => socket.write('220-still here\r\n'), 50)
    socket.on('close', () => clearInterval(line)).on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
