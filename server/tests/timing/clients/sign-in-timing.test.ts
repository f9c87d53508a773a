import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientsClient, clientsClient, uniqueEmail } from '../../contract/clients/client.ts'
import { inParallel } from '../../fault/calls.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { testEnvironment } from '../../support/processes.ts'
import { rounds } from '../../support/soak.ts'

let running: RunningArrangement
let clients: ClientsClient

beforeAll(async () => {
  // Passwords cost what they cost in production: a cheap hash would hide nothing, and show nothing either.
  const cheap = Object.keys(testEnvironment).filter((name) => name.startsWith('GUICHET_ARGON2'))
  expect(cheap).not.toEqual([])
  running = await startArrangement('clients', Object.fromEntries(cheap.map((name) => [name, ''])))
  clients = clientsClient(running)
})
afterAll(() => running?.stop())

const password = 'the right password'
const wrongPassword = 'not the password'
const tries = rounds(80, 400)
/** An identifier is tried less often than locks it. */
const triesEach = 4
const failuresThatLock = 5
const kinds = ['unknown', 'wrong', 'unverified', 'locked'] as const
type Kind = (typeof kinds)[number]

interface Refused {
  kind: Kind
  ms: number
  body: unknown
}

/** What a kind of refusal takes longer or shorter than another one, in the median of neighbours in time. */
const tolerance = 1.1

test('unknown, wrong, unverified and locked take the same time, and unknown, wrong and locked the same words', {
  timeout: 240_000,
}, async () => {
  const refused = await measure(await prepare())
  expectWords(refused)
  const times = kinds.map((kind) => refused.filter((one) => one.kind === kind).map(({ ms }) => ms))
  expect(Math.min(...times.map(median)), 'a hash at the recommended cost').toBeGreaterThan(5)
  for (const [index, one] of times.entries()) {
    for (const [other, another] of times.entries()) {
      // The same turn of both was measured within the same moment: what disturbed one disturbed the other.
      const ratio = median(one.map((ms, turn) => ms / another[turn]!))
      expect(ratio, `${kinds[index]} takes so many times what ${kinds[other]} takes`).toBeLessThan(tolerance)
    }
  }
})

/** Only who has the right password is told that the address is not verified. */
function expectWords(refused: readonly Refused[]) {
  const words = (kind: Kind) => [
    ...new Set(refused.filter((one) => one.kind === kind).map(({ body }) => JSON.stringify(body))),
  ]
  expect(words('unknown')).toHaveLength(1)
  expect(words('wrong')).toEqual(words('unknown'))
  expect(words('locked')).toEqual(words('unknown'))
  expect(words('unverified')).toHaveLength(1)
  expect(words('unverified')).not.toEqual(words('unknown'))
}

interface Attempt {
  kind: Kind
  email: string
  password: string
}

/**
 * Fresh identifiers of every kind, each to be tried a few times. The attempts come in blocks that have one of each kind in
 * random order: what drifts or disturbs hits all kinds alike.
 */
async function prepare(): Promise<Attempt[]> {
  const emails = Array.from({ length: tries / triesEach }, () => kinds.map((kind) => ({ kind, email: uniqueEmail() })))
  await inParallel(emails.flat(), 2, async ({ kind, email }) => {
    if (kind === 'unknown') return
    await register(email, kind !== 'unverified')
    if (kind !== 'locked') return
    for (let turn = 0; turn < failuresThatLock; turn += 1) await domainError({ kind, email, password: wrongPassword })
  })
  const knowsPassword: readonly Kind[] = ['unverified', 'locked']
  return Array.from({ length: triesEach }, () => emails)
    .flat()
    .flatMap((block) =>
      shuffled(block).map(({ kind, email }) => ({
        kind,
        email,
        password: knowsPassword.includes(kind) ? password : wrongPassword,
      })),
    )
}

async function register(email: string, verified: boolean): Promise<void> {
  const made = await clients.post<{ client_id: string; verification_token: string }>('/api/v1/clients', {
    client: { email, name: 'Ada Lovelace', password },
  })
  expect(made.status, made.text).toBe(201)
  const { client_id: id, verification_token: verificationToken } = made.body
  if (verified) await clients.verify({ id, email, password, verificationToken })
}

/** One after the other, so that nothing waits for anything but its own hash. */
async function measure(attempts: readonly Attempt[]): Promise<Refused[]> {
  const refused: Refused[] = []
  for (const attempt of attempts) refused.push(await domainError(attempt))
  return refused
}

async function domainError({ kind, email, password: tried }: Attempt): Promise<Refused> {
  const began = performance.now()
  const { status, body } = await clients.post('/api/v1/auth/login', { email, password: tried })
  const ms = performance.now() - began
  expect(status).toBe(401)
  return { kind, ms, body }
}

/** Fisher and Yates'. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const mixed = [...items]
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1)
    ;[mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!]
  }
  return mixed
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const half = Math.floor(sorted.length / 2)
  return (sorted[half]! + sorted[sorted.length - 1 - half]!) / 2
}
