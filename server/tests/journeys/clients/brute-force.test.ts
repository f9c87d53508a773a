import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  type Answer,
  anotherCode,
  type ClientsClient,
  call,
  clientsClient,
  type Registered,
  uniqueEmail,
} from '../../contract/clients/client.ts'
import { inParallel } from '../../fault/calls.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { rounds } from '../../support/soak.ts'

/** Who the proxy says is asking: only its word counts here. */
const from = (address: string) => ({ 'x-forwarded-for': address })
/** Of thousands of strangers: IPv4 addresses and IPv6 networks. */
const stranger = (index: number) =>
  from(index % 2 ? `203.${index % 113}.${(index >> 8) % 256}.${index % 256}` : `2001:db8:${index.toString(16)}::1`)

const guesses = rounds(1_000, 10_000)
const atOnce = 16

/** Answers by status and body, with how many there were of each. */
function tally() {
  const counts = new Map<string, number>()
  return {
    add: ({ status, text }: Answer<unknown>) => {
      const said = `${status} ${text}`
      counts.set(said, (counts.get(said) ?? 0) + 1)
    },
    all: () => Object.fromEntries(counts),
  }
}

describe('without limits, so that only lockout and code attempts stand in the way', { timeout: 120_000 }, () => {
  let running: RunningArrangement
  let clients: ClientsClient

  beforeAll(async () => {
    running = await startArrangement('clients', {
      GUICHET_TRUSTED_PROXIES: '127.0.0.1/32',
      GUICHET_LIMITS_SCALE: '1000000',
    })
    clients = clientsClient(running)
  })
  afterAll(() => running?.stop())

  const login = (email: string, password: string, headers: Record<string, string>) =>
    clients.post<{ session_token: string; mfa_code: string }>('/api/v1/auth/login', { email, password }, { headers })
  const verifyCode = (session_token: string, mfa_code: string, headers: Record<string, string>) =>
    clients.post('/api/v1/auth/verify_mfa', { session_token, mfa_code }, { headers })

  /** Signs in somewhere for the first time and gives the cookie that makes the device known. */
  async function knownDevice(person: Registered, address: string): Promise<string> {
    const asked = await login(person.email, person.password, from(address))
    expect(asked.status, asked.text).toBe(200)
    const signedIn = await verifyCode(asked.body.session_token, asked.body.mfa_code, from(address))
    expect(signedIn.status, signedIn.text).toBe(200)
    const cookie = signedIn.headers.getSetCookie().find((line) => line.startsWith('guichet_device='))
    expect(cookie).toMatch(/; HttpOnly/)
    return cookie?.split(';', 1)[0] ?? ''
  }

  /** A sign-in with both steps. */
  async function expectLetIn(person: Registered, headers: Record<string, string>) {
    const { session_token, mfa_code } = await clients.login(person, headers)
    const answer = await verifyCode(session_token, mfa_code, headers)
    expect(answer.status, answer.text).toBe(200)
  }

  const mailsOf = ({ id }: Registered, kind: string) =>
    clients.rows('SELECT 1 FROM mail_jobs WHERE account_id = $1 AND kind = $2', [id, kind])

  test('guesses at a password from everywhere: none gets in, and the owner does', async () => {
    const person = await clients.verified()
    const cookie = await knownDevice(person, '198.51.100.7')
    const elsewhere = { ...from('198.51.100.99'), cookie }
    const answers = tally()
    // The lock takes five failures, so that the right password may be among all guesses after them.
    for (let index = 0; index < 5; index += 1) {
      answers.add(await login(person.email, `guess ${index}`, stranger(index)))
    }
    const rest = Array.from({ length: guesses - 5 }, (_, index) => index + 5)
    let rightOnes = 0
    let letIn = 0
    await inParallel(rest, atOnce, async (index) => {
      const right = index % 50 === 0
      if (right) rightOnes += 1
      // Some show a cookie that they made up.
      const forged = index % 7 === 0 ? { cookie: `guichet_device=${cookie.slice(15, 37)}.${'x'.repeat(43)}` } : {}
      answers.add(
        await login(person.email, right ? person.password : `guess ${index}`, { ...stranger(index), ...forged }),
      )
      if (index % (guesses / 5) !== guesses / 10) return
      // The known device, at another address too.
      await expectLetIn(person, elsewhere)
      letIn += 1
    })
    expect(rightOnes).toBe(guesses / 50 - 1)
    expect(letIn).toBe(5)

    const unknown = await login(uniqueEmail(), 'guess', stranger(1))
    expect(unknown.status).toBe(401)
    expect(answers.all(), 'each was answered as an unknown address is').toEqual({ [`401 ${unknown.text}`]: guesses })
    // That the owner signed in unlocks nothing for anybody else.
    expect((await login(person.email, person.password, stranger(3))).status).toBe(401)
    const home = await login(person.email, person.password, from('198.51.100.7'))
    expect(home.status, 'after a hundred an address that is known does not help without the cookie').toBe(401)
    for (const kind of ['account_locked', 'locked_everywhere'])
      expect(await mailsOf(person, kind), `the owner is told once: ${kind}`).toHaveLength(1)
  })

  test('a known device has failures of its own, and is locked like anybody else', async () => {
    const person = await clients.verified()
    const cookie = await knownDevice(person, '198.51.100.8')
    const other = await knownDevice(person, '198.51.100.9')
    const stolen = { ...stranger(8), cookie }
    for (let index = 0; index < 5; index += 1) await login(person.email, `guess ${index}`, stolen)
    expect((await login(person.email, person.password, stolen)).status).toBe(401)
    await expectLetIn(person, { ...stranger(9), cookie: other })
  })

  test('guesses at codes by somebody who knows the password: none gets in, and the owner does', async () => {
    const person = await clients.verified()
    const cookie = await knownDevice(person, '198.51.100.7')
    const answers = tally()
    let guessed = 0
    const guess = async (session: string, code: string) => {
      guessed += 1
      answers.add(await verifyCode(session, code, stranger(guessed)))
    }
    // Five wrong codes end a sign-in and count as one failure; five failures lock. Then the thief gets no code to guess at.
    const sessions: { session: string; code: string }[] = []
    for (;;) {
      const asked = await login(person.email, person.password, stranger(sessions.length))
      if (asked.status !== 200) break
      expect(sessions.length, 'sign-ins that ended in wrong codes').toBeLessThan(5)
      const { session_token: session, mfa_code: code } = asked.body
      sessions.push({ session, code })
      // All at once in every other round, so that guesses race for the last attempt.
      const wrong = Array.from({ length: 20 }, (_, index) => String(100_000 + ((Number(code) + 1 + index) % 900_000)))
      if (sessions.length % 2) for (const one of wrong.slice(0, 5)) await guess(session, one)
      else await Promise.all(wrong.map((one) => guess(session, one)))
      await guess(session, code)
    }
    expect(sessions).toHaveLength(5)
    const taken = await clients.rows<{ attempts: number }>(
      'SELECT attempts FROM mfa_codes WHERE account_id = $1 AND used_at IS NULL ORDER BY id',
      [person.id],
    )
    expect(taken.map(({ attempts }) => attempts)).toEqual([5, 5, 5, 5, 5])

    const rest = Array.from({ length: guesses - guessed }, (_, index) => index)
    let letIn = 0
    await inParallel(rest, atOnce, async (index) => {
      const { session, code } = sessions[index % sessions.length]!
      await guess(session, index % 40 < 5 ? code : anotherCode(code))
      if (index % (guesses / 5) !== guesses / 10) return
      await expectLetIn(person, { ...from('198.51.100.99'), cookie })
      letIn += 1
    })
    expect(letIn).toBe(5)
    expect(guessed).toBe(guesses)
    const unknown = await verifyCode('no session of anybody', '123456', stranger(1))
    expect(unknown.status).toBe(401)
    expect(answers.all(), 'each was answered as an unknown session is').toEqual({ [`401 ${unknown.text}`]: guesses })
    expect((await login(person.email, person.password, stranger(2))).status, 'still locked').toBe(401)
    expect(await mailsOf(person, 'account_locked_by_codes'), 'the owner is told once').toHaveLength(1)
  })
})

test('guesses that are all under way before the lock begins do not slip past it together', {
  timeout: 60_000,
}, async () => {
  // At its real cost the first hash is not done before the last guess is here.
  const dear = { GUICHET_ARGON2_MEMORY_KIB: '', GUICHET_ARGON2_PASSES: '' }
  const running = await startArrangement('all', dear)
  onTestFinished(running.stop)
  const clients = clientsClient(running)
  const wrong = Array.from({ length: 60 }, (_, index) => `guess ${index}`)
  const burst = async (path: string, name: object, right: string) => {
    const answers = await Promise.all([...wrong, right].map((password) => clients.post(path, { ...name, password })))
    return [...new Set(answers.map(({ status, text }) => `${status} ${text}`))]
  }

  const person = await clients.verified()
  const client = await burst('/api/v1/auth/login', { email: person.email }, person.password)
  expect(client, 'one answer for all').toEqual([expect.stringMatching(/^401 /)])
  const unverified = await clients.register()
  expect(await burst('/api/v1/auth/login', { email: unverified.email }, unverified.password)).toEqual(client)

  // Contracts without a second step open a session at once.
  const user = { email: uniqueEmail(), password: 'Correct-horse7' }
  expect((await clients.post('/api/auth/register', user)).status).toBe(201)
  // Where one is signed in from, one is known: it takes a lock of one's own.
  const helpdesk = await burst('/api/auth/login', { email: user.email }, user.password)
  expect(helpdesk, 'one answer for all').toEqual([expect.stringMatching(/^401 /)])
})

describe('the limits as they are', () => {
  let running: RunningArrangement

  beforeAll(async () => {
    running = await startArrangement('tenants', {
      GUICHET_TRUSTED_PROXIES: '127.0.0.1/32',
      GUICHET_LIMITS_SCALE: '1',
      GUICHET_LOG_FILE: 'none',
    })
  })
  afterAll(() => running?.stop())

  const post = (path: string, json: unknown, address: string) =>
    call('POST', `${running.urls.gateway}${path}`, { json, headers: from(address) })
  const someone = () => ({
    email: uniqueEmail(),
    password: 'Correct-horse7',
    full_name: 'Ada Lovelace',
    tenant_name: 'ada',
  })

  /** 429 with a time within the minute after which it is worth coming back. */
  function expectLimited(answer: Answer<unknown>, note: string) {
    expect(answer.status, note).toBe(429)
    expect(answer.body).toEqual({ message: expect.stringMatching(/\S/) })
    const wait = Number(answer.headers.get('retry-after'))
    expect(wait, note).toBeGreaterThanOrEqual(1)
    expect(wait, note).toBeLessThanOrEqual(60)
  }

  test('T-06 T-59 the sixth sign-in of a minute from one address is 429, whoever it is for; other addresses go on', async () => {
    const login = (address: string) => post('/api/login', someone(), address)
    for (let index = 0; index < 5; index += 1) expect((await login('203.0.113.1')).status).toBe(401)
    expectLimited(await login('203.0.113.1'), 'sixth')
    expect((await login('203.0.113.2')).status).toBe(401)
  })

  test('T-06 T-59 the sixth registration of a minute from one address is 429 and makes nothing', async () => {
    const register = async (address: string) => {
      const person = someone()
      return { person, answer: await post('/api/register', person, address) }
    }
    for (let index = 0; index < 5; index += 1) expect((await register('203.0.113.3')).answer.status).toBe(201)
    const sixth = await register('203.0.113.3')
    expectLimited(sixth.answer, 'sixth')
    const { rows } = clientsClient(running)
    expect(await rows('SELECT 1 FROM accounts WHERE email = $1', [sixth.person.email])).toEqual([])
    expect((await register('203.0.113.4')).answer.status).toBe(201)
    expect((await post('/api/login', someone(), '203.0.113.3')).status, 'signing in is counted by itself').toBe(401)
  })

  test('T-06 aliases share the count of the routes that they are of', async () => {
    const paths = ['/api/login', '/api/v1/auth/login']
    for (let index = 0; index < 5; index += 1)
      expect((await post(paths[index % 2]!, someone(), '203.0.113.5')).status).toBe(401)
    for (const path of paths) expectLimited(await post(path, someone(), '203.0.113.5'), path)
  })

  test('all addresses of an IPv6 /64 are one caller', async () => {
    const login = (address: string) => post('/api/login', someone(), address)
    for (let index = 0; index < 5; index += 1) expect((await login(`2001:db8:0:1::${index + 1}`)).status).toBe(401)
    expectLimited(await login('2001:db8:0:1:ffff::9'), 'sixth')
    expect((await login('2001:db8:0:2::1')).status).toBe(401)
  })
})
