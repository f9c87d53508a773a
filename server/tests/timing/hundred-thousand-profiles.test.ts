import { beforeAll, expect, test } from 'vitest'
import { type Database, type Statement, sql } from '../../src/platform/db/database.ts'
import type { ProfileSearch } from '../../src/services/profiles/index.ts'
import { orderOf } from '../../src/services/profiles/search/fold.ts'
import { indexed } from '../../src/services/profiles/store/profiles.ts'
import { contextIn, profilesService } from '../support/profiles-service.ts'
import { rounds } from '../support/soak.ts'
import { execute } from '../support/test-databases.ts'

const people = 100_000
const limitMs = 50
const runs = rounds(8, 100)
/**
 * How many of the runs keep the limit. They all do the same work, so that a plan which is too slow is too slow in each of them; a
 * quarter shows it on a machine that is busy with something else. A soak, with the machine to itself, shows nearly all.
 */
const share = rounds(25, 95) / 100

/** Statements since the last look. */
let seen: Statement<unknown>[] = []
const watch = (database: Database): Database => {
  const noting =
    <Row, Result>(run: (statement: Statement<Row>) => Promise<Result>) =>
    (statement: Statement<Row>) => {
      seen.push(statement)
      return run(statement)
    }
  // biome-ignore format: one statement a line
  return {
    ...database,
    many: <Row>(statement: Statement<Row>) => noting<Row, Row[]>(database.many)(statement),
    maybe: <Row>(statement: Statement<Row>) => noting<Row, Row | undefined>(database.maybe)(statement),
    one: <Row>(statement: Statement<Row>) => noting<Row, Row>(database.one)(statement),
  }
}
const service = profilesService('hundred thousand', { watch })
const context = contextIn()

const firstNames =
  'Éloïse Anna Bruno Chloé Denise Émile Fatima Georg Hannah Igor Jean Karla Łukasz Maria Nadia Øystein Paul Quentin Rosa Sofia Théo Ursula Victor Wanda Xavier Yasmine Zoë Ahmed Béatrice Çağla'.split(
    ' ',
  )
const syllables = 'ma ber tho pe ro ri du bo mo lau si mi le roux da fou gi bon lam fon rous vin mül mor gar'.split(' ')
const endings =
  'tin nard mas tit bert chard rand nnet reau rent mon chel febvre roy vid rnier rard ssel cent ler'.split(' ')
const departments = Array.from({ length: 40 }, (_, index) => `Department ${index}`)
const jobs = 'Manager Engineer Assistant Director Clerk'.split(' ')
const domains = 'example.org example.org example.org example.com mail.example.net'.split(' ')

/** Numbers that look random and are the same in every run. */
function dice() {
  let state = 42
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

function everybody() {
  const roll = dice()
  const one = (list: readonly string[]): string => list[roll(list.length)] ?? ''
  return Array.from({ length: people }, (_, index) => {
    const firstName = roll(10) === 0 ? null : one(firstNames)
    const last = one(syllables) + one(syllables) + one(endings)
    const lastName = last.charAt(0).toUpperCase() + last.slice(1)
    const email = `${orderOf(firstName ?? 'x')}.${orderOf(lastName)}${index}@${one(domains)}`
    const department = roll(20) === 0 ? null : (departments[Math.floor(roll(1_600) ** 0.5)] ?? null)
    const role = roll(3) === 0 ? (roll(10) === 0 ? 'admin' : 'agent') : null
    const row = {
      firstName,
      lastName,
      displayName: null,
      email,
      department,
      jobTitle: one(jobs),
      tenant: 'main',
      role,
    }
    const { search, orders } = indexed(row)
    const [byEmail, byFirst, byLast] = [orders.email_order, orders.first_name_order, orders.last_name_order]
    return { ...row, number: index + 1, search, byEmail, byFirst, byLast }
  })
}

beforeAll(async () => {
  const { database } = service
  const all = everybody()
  for (let from = 0; from < people; from += 5_000) {
    await database.run(sql`
      INSERT INTO profiles (account_id, realm, number, tenant, username, email, first_name, last_name, phone, address, department, job_title,
                            preferences, role, search, email_order, first_name_order, last_name_order, indexed, created_at, updated_at)
      SELECT gen_random_uuid(), 'test', number, tenant, email, email, "firstName", "lastName", '+33 1 23 45 67 89', '1 rue de l''Exemple, Paris',
             department, "jobTitle", '{"theme": "dark", "notifications": {"email": false}}', role,
             array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(search))), "byEmail", "byFirst", "byLast", true,
             now() - number * interval '5 minutes', CASE WHEN number % 4 = 0 THEN now() - number * interval '1 minute' END
        FROM jsonb_to_recordset(${JSON.stringify(all.slice(from, from + 5_000))}::jsonb) AS p (
             number bigint, tenant text, email text, "firstName" text, "lastName" text, department text, "jobTitle" text, role text,
             search jsonb, "byEmail" text, "byFirst" text, "byLast" text)`)
  }
  // On connections without a deadline for statements.
  await execute(
    service.url,
    `INSERT INTO activities (account_id, realm, tenant, type, created_at)
     SELECT account_id, realm, tenant, kind, now() - random() * interval '90 days'
       FROM profiles, unnest(ARRAY['profile_created', 'profile_updated', 'avatar_uploaded']) kind`,
  )
  await execute(service.url, 'VACUUM ANALYZE')
}, 180_000)

const found = (by: Partial<ProfileSearch>) => () =>
  service.profiles.search({ sortBy: 'createdAt', descending: true, limit: 100, offset: 0, ...by }, context)

const sorts = ['createdAt', 'updatedAt', 'email', 'firstName', 'lastName'] as const
const lastPage = people - 100
const cases: [string, () => Promise<unknown>][] = [
  ...sorts.flatMap((sortBy) =>
    [false, true].flatMap((descending): [string, () => Promise<unknown>][] => {
      const about = `by ${sortBy} ${descending ? 'down' : 'up'}`
      return [
        [`list page 1 ${about}`, found({ sortBy, descending })],
        [`list page 500 ${about}`, found({ sortBy, descending, offset: 49_900 })],
        [`list page 1000 ${about}`, found({ sortBy, descending, offset: lastPage })],
        [`search "e" ${about}`, found({ sortBy, descending, text: 'e' })],
        [`search "mar" ${about}`, found({ sortBy, descending, text: 'mar' })],
        [`department ${about}`, found({ sortBy, descending, department: 'Department 30' })],
        [`administrators ${about}`, found({ sortBy, descending, role: 'admin' })],
        [`persons ${about}`, found({ sortBy, descending, role: 'user' })],
      ]
    }),
  ),
  ...['a', 'é', 'm', 'z', 'él', 'ma', 'ex', 'elo', 'org', 'exam', 'lauri', 'examp', 'zzz', 'jean mar', 'm du', '?'].map(
    (text): [string, () => Promise<unknown>] => [`search "${text}"`, found({ text })],
  ),
  ['search "m" in a department', found({ text: 'm', department: 'Department 39' })],
  ['search "m" among agents by last name', found({ text: 'm', role: 'agent', sortBy: 'lastName', descending: false })],
  ['search "e" page 1000', found({ text: 'e', offset: lastPage })],
  ['search "ma" page 50 by last name', found({ text: 'ma', offset: 4_900, sortBy: 'lastName', descending: false })],
  ['people page 1', () => service.profiles.list({ limit: 100, offset: 0 }, context)],
  ['people page 1000', () => service.profiles.list({ limit: 100, offset: lastPage }, context)],
  ['statistics', () => service.profiles.statistics(context)],
]

test.each(cases)('100,000 profiles: %s within 50 ms', async (about, run) => {
  const times: number[] = []
  for (let turn = 0; turn < runs; turn += 1) {
    seen = []
    const began = performance.now()
    await run()
    times.push(performance.now() - began)
  }
  times.sort((one, other) => one - other)
  const taken = times[Math.ceil(runs * share) - 1] ?? Number.POSITIVE_INFINITY
  if (taken < limitMs) return
  expect.fail(`${about}: ${times.map((ms) => ms.toFixed(1)).join(', ')} ms\n${await plans(seen)}`)
})

/** How the database runs these statements. */
async function plans(statements: readonly Statement<unknown>[]): Promise<string> {
  const texts: string[] = []
  for (const { text, values } of statements) {
    const plan = await service.database.many<{ 'QUERY PLAN': string }>({
      name: '',
      text: `EXPLAIN (ANALYZE, BUFFERS) ${text}`,
      values,
    })
    texts.push(`${text.trim()}\n\n${plan.map((line) => line['QUERY PLAN']).join('\n')}`)
  }
  return texts.join('\n\n')
}
