import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Answer,
  expectFailure,
  goodPassword,
  type Person,
  type PortalClient,
  portalClient,
  type User,
  uniqueEmail,
} from '../../contract/portal/client.ts'
import { type RunningArrangement, startArrangement } from '../../support/arrangements.ts'
import { eventually } from '../../support/eventually.ts'

let running: RunningArrangement
let portal: PortalClient
let admin: Person
let ada: Person
let grace: Person

beforeAll(async () => {
  running = await startArrangement('portal', { GUICHET_LIMITS_SCALE: '1' })
  portal = portalClient(running)
  admin = await portal.signIn('admin@portal.example', 'Admin-portal-123!')
  ada = await portal.signIn('ada@portal.example', 'Ada-portal-123!')
  grace = await portal.signIn('grace@portal.example', 'Grace-portal-123!')
})
afterAll(() => running?.stop())

/** A refusal for so many requests in a window. */
function expectTooMany(answer: Answer<unknown>, { points, seconds }: { points: number; seconds: number }) {
  expectFailure(answer, 429)
  expect(answer.headers.get('ratelimit-policy')).toContain(`;q=${points};w=${seconds}`)
  expect(answer.headers.get('ratelimit')).toMatch(/;r=0;t=\d+$/)
  const wait = Number(answer.headers.get('retry-after'))
  expect(wait).toBeGreaterThanOrEqual(1)
  expect(wait).toBeLessThanOrEqual(seconds)
}

test('P-06 in a database of the portal’s own the two demo users have the ids 1 and 2', () => {
  expect([ada.id, grace.id, admin.id]).toEqual([1, 2, 3])
})

test('P-06 the last administrator cannot be deleted', async () => {
  // By number one is found once the event of the first start has made the profile.
  const remove = () => portal.del(`/users/${admin.id}`, { token: admin.token })
  await eventually(remove, (answer) => expectFailure(answer, 403))
  const read = () => portal.get<User>('/users/me', { token: admin.token })
  await eventually(read, ({ body }) => expect(body.role).toBe('admin'))
})

test('P-53 sign-ins have five tries a minute, whoever is tried', async () => {
  const statuses = []
  for (let index = 0; index < 5; index += 1) statuses.push((await portal.login(uniqueEmail(), 'Wrong-horse7')).status)
  // Those of the start succeeded, and so gave their points back.
  expect(statuses).toEqual(Array(5).fill(401))
  const refused = await portal.login(uniqueEmail(), 'Wrong-horse7', { headers: { 'x-forwarded-for': '203.0.113.7' } })
  expectTooMany(refused, { points: 5, seconds: 60 })
  expect(refused.cookies).toEqual({})
})

test('P-53 registrations have two tries a minute, good or bad, of their own', async () => {
  const json = () => ({ name: 'Ada', email: uniqueEmail(), password: goodPassword })
  expect((await portal.post('/auth/register', { json: json() })).status).toBe(201)
  expect((await portal.post('/auth/register', { json: {} })).status).toBe(400)
  expectTooMany(await portal.post('/auth/register', { json: json() }), { points: 2, seconds: 60 })
})

test('P-53 three requests a second; with the next second it goes on', async () => {
  const read = () => portal.get('/users/me', { token: ada.token })
  const answers = await Promise.all(Array.from({ length: 12 }, read))
  const refused = answers.filter(({ status }) => status === 429)
  // Six where a second ended meanwhile.
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(3)
  expect(answers.length - refused.length).toBeLessThanOrEqual(6)
  for (const answer of refused) expectTooMany(answer, { points: 3, seconds: 1 })
  await eventually(read, ({ status }) => expect(status).toBe(200))
})

test('P-53 twenty requests a minute, however slowly; what a second refused does not count', {
  timeout: 60_000,
}, async () => {
  const read = () => portal.get('/users/me', { token: grace.token })
  const refusedForLong = (answer: Answer<unknown>) =>
    answer.status === 429 && (answer.headers.get('ratelimit-policy') ?? '').includes(';w=60')
  let passed = 0
  let answer = await read()
  while (!refusedForLong(answer)) {
    if (answer.status === 200) passed += 1
    expect(passed).toBeLessThanOrEqual(20)
    answer = await eventually(read, (next) => expect(next.status === 200 || refusedForLong(next)).toBe(true))
  }
  expect(passed).toBe(20)
  expectTooMany(answer, { points: 20, seconds: 60 })
})

test('P-53 P-60 health is never counted: fifty checks at once, at each listener', async () => {
  for (const [path, listener] of [
    ['/health', portal.gateway],
    ['/users/health', portal.gateway],
    ['/users/health', portal.users],
    ['/auth/health', portal.users],
  ] as const) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => listener.get(path)))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
  }
})
