import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sql } from '../../../src/platform/db/database.ts'
import { clientsClient, type Registered } from '../../contract/clients/client.ts'
import { preparedDataDir } from '../../support/prepared-data.ts'
import { freePorts, type GuichetProcess, startProcess, testEnvironment } from '../../support/processes.ts'
import { freshDatabase } from '../../support/test-databases.ts'
import { eventually, rowsOf } from '../calls.ts'
import { clientEvents, followers } from '../event-follower.ts'
import { endTheWaiting, type Held, hold, someoneWaits } from '../locks.ts'
import { removeDataDir } from '../postmaster.ts'

const token = 'the token that the services of these tests show one another'
const everyType = ['account.registered', 'membership.started', ...clientEvents]

/** Guichet on a port and a data folder that outlive its process. */
async function startGuichet(...words: string[]) {
  const dataDir = await preparedDataDir('guichet-client-events')
  const [port] = await freePorts(1)
  const base = `http://127.0.0.1:${port}`
  const environment = {
    ...testEnvironment,
    GUICHET_DATA_DIR: dataDir,
    PORT: String(port),
    INTERNAL_SERVICE_TOKEN: token,
  }
  let process: GuichetProcess | undefined
  const start = async () => {
    process = await startProcess(['start', ...words], environment)
  }
  onTestFinished(async () => {
    await process?.stop()
    await removeDataDir(dataDir)
  })
  await start()
  const postgresUrl = async () => (await readFile(join(dataDir, 'postgres', 'url'), 'utf8')).trim()
  const rows = async <Row extends object>(database: string, text: string) =>
    rowsOf<Row>(await postgresUrl(), database, text)
  const urls = { gateway: base, auth: base, users: base, orders: base }
  return {
    base,
    clients: clientsClient({ urls, postgresUrl: await postgresUrl() }),
    start,
    kill: async () => process?.kill(),
    rows,
    hold: async (database: string, statement: string): Promise<Held> => {
      const held = await hold(await postgresUrl(), database, statement)
      onTestFinished(held.release)
      return held
    },
    someoneWaits: async (database: string, count?: number) => someoneWaits(await postgresUrl(), database, count),
    endTheWaiting: async (database: string) => endTheWaiting(await postgresUrl(), database),
    events: ({ id }: Registered) =>
      rows<OutboxRow>(
        'identity',
        `SELECT id, type, sequence, acknowledged_by AS by, published_at IS NOT NULL AS published
           FROM outbox_events WHERE aggregate_id = '${id}' ORDER BY sequence`,
      ),
  }
}

interface OutboxRow {
  id: string
  type: string
  sequence: number
  by: string[]
  published: boolean
}

type Guichet = Awaited<ReturnType<typeof startGuichet>>

/** The three events of a client that registered, verified and signed in: in order, each once, and published. */
async function expectPublished(guichet: Guichet, person: Registered, types: readonly string[] = everyType) {
  await eventually(15_000, async () => {
    const events = await guichet.events(person)
    expect(events.map(({ type, sequence }) => ({ type, sequence }))).toEqual(
      types.map((type, index) => ({ type, sequence: index + 1 })),
    )
    for (const { type, by, published } of events)
      expect({ type, published, by: by.toSorted() }).toEqual({ type, published: true, by: followers.toSorted() })
  })
}

/** What profiles made of the membership that a client's registration began, with the transactions that wrote it. */
async function effectsIn({ rows, events }: Guichet, person: Registered) {
  const started = (await events(person)).find(({ type }) => type === 'membership.started')
  return {
    profiles: await rows(
      'profiles',
      `SELECT xmin::text AS transaction, email FROM profiles WHERE account_id = '${person.id}'`,
    ),
    inbox: await rows(
      'profiles',
      `SELECT xmin::text AS transaction, consumer FROM inbox_events WHERE event_id = '${started?.id}'`,
    ),
  }
}

const effectOnce = ({ email }: Registered) => ({
  profiles: [{ transaction: expect.any(String), email }],
  inbox: [{ transaction: expect.any(String), consumer: 'profiles' }],
})

test('C-36 C-37 C-38 a client registers, verifies and signs in: three events in this order, each once', {
  timeout: 60_000,
}, async () => {
  const guichet = await startGuichet()
  const { clients } = guichet
  const person = await clients.register()
  await clients.verify(person)
  // What changes nothing, or is refused, tells nobody anything.
  const again = await clients.post(`/api/v1/clients/${person.id}/verify_email?token=${person.verificationToken}`)
  expect(again.status).toBe(422)
  expect(
    (await clients.get(`/api/v1/clients/${person.id}/verify_email?token=${person.verificationToken}`)).status,
  ).toBe(200)
  const twin = { client: { email: person.email, name: 'Ada Lovelace', password: person.password } }
  expect((await clients.post('/api/v1/clients', twin)).status).toBe(422)
  const wrong = { email: person.email, password: 'not the password' }
  expect((await clients.post('/api/v1/auth/login', wrong)).status).toBe(401)
  await clients.signIn(person)

  await expectPublished(guichet, person)
  expect(await effectsIn(guichet, person)).toEqual(effectOnce(person))
})

test('killed between commit and publish, the process finds its events again and the effects happen once', {
  timeout: 60_000,
}, async () => {
  const guichet = await startGuichet()
  const { clients } = guichet
  const untouched = await guichet.hold('profiles', 'LOCK TABLE inbox_events IN EXCLUSIVE MODE')
  // Nobody who asks waits for those who follow.
  const person = await clients.register()
  await clients.verify(person)
  await clients.signIn(person)
  await guichet.kill()

  await guichet.endTheWaiting('profiles')
  await untouched.release()
  expect(await effectsIn(guichet, person)).toEqual({ profiles: [], inbox: [] })
  const left = await guichet.events(person)
  expect(left.map(({ type }) => type)).toEqual(everyType)
  expect(left.filter(({ published, by }) => published || by.includes('profiles'))).toEqual([])

  await guichet.start()
  await expectPublished(guichet, person)
  expect(await effectsIn(guichet, person)).toEqual(effectOnce(person))
})

test('killed between publish and mark, the process offers its event again and the effect is not repeated', {
  timeout: 60_000,
}, async () => {
  const guichet = await startGuichet()
  const { clients } = guichet
  const untouched = await guichet.hold('profiles', 'LOCK TABLE inbox_events IN EXCLUSIVE MODE')
  const person = await clients.register()
  // Now that the row is there and nobody could take its event yet: what marks it will wait here.
  const unmarked = await guichet.hold(
    'identity',
    `SELECT FROM outbox_events WHERE aggregate_id = '${person.id}' AND type = 'membership.started' FOR UPDATE`,
  )
  await untouched.release()
  await eventually(10_000, async () => expect(await effectsIn(guichet, person)).toEqual(effectOnce(person)))
  await guichet.someoneWaits('identity')
  await guichet.kill()

  await guichet.endTheWaiting('identity')
  await unmarked.release()
  const committed = await effectsIn(guichet, person)
  const [, started] = await guichet.events(person)
  expect(started).toMatchObject({ type: 'membership.started', published: false })
  expect(started?.by).not.toContain('profiles')

  await guichet.start()
  await clients.verify(person)
  await clients.signIn(person)
  await expectPublished(guichet, person)
  // The same rows, written by the same transactions: the second delivery wrote nothing.
  expect(await effectsIn(guichet, person)).toEqual(committed)
})

const effects = freshDatabase('client_effects', {
  setup: `CREATE TABLE effects (consumer text NOT NULL, event_id uuid NOT NULL, type text NOT NULL, account_id uuid NOT NULL);
    ${await readFile(join(import.meta.dirname, '../../../src/platform/testing/outbox-tables.sql'), 'utf8')}`,
})
const effectsName = () => new URL(effects.url).pathname.slice(1)

/** The process of `event-follower.ts`, to be killed and started again. */
async function startFollower({ base }: Guichet) {
  const script = join(import.meta.dirname, '../event-follower.ts')
  let child: ChildProcess
  const start = async () => {
    child = spawn(process.execPath, [script, base, token, effects.url], { stdio: ['ignore', 'pipe', 'inherit'] })
    if (child.stdout) await once(child.stdout, 'data')
  }
  const kill = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  await start()
  onTestFinished(kill)
  return { start, kill }
}

/** One effect of each event in each follower. */
async function expectCounted({ id }: Registered, types: readonly string[]) {
  const counted = await effects.database.many(sql<{ consumer: string; type: string; count: number }>`
    SELECT consumer, type, count(*) FROM effects WHERE account_id = ${id} GROUP BY 1, 2 ORDER BY 1, 2`)
  const wanted = followers.flatMap((consumer) => types.map((type) => ({ consumer, type, count: 1 })))
  const order = (one: { consumer: string; type: string }) => `${one.consumer} ${one.type}`
  expect(counted).toEqual(wanted.toSorted((one, other) => (order(one) < order(other) ? -1 : 1)))
}

test.each(['identity', 'the follower'] as const)(
  'each client event has one effect in each of its followers, whenever %s is killed',
  { timeout: 120_000 },
  async (killed) => {
    const guichet = await startGuichet('identity')
    const { clients } = guichet
    const follower = await startFollower(guichet)
    const victim = killed === 'identity' ? guichet : follower
    const holdEffects = async () => {
      const held = await hold(effects.url, effectsName(), 'LOCK TABLE effects IN EXCLUSIVE MODE')
      onTestFinished(held.release)
      return held
    }

    for (const when of ['before the effect', 'before the mark'] as const) {
      let person: Registered | undefined
      const steps: readonly [type: string, take: () => Promise<unknown>][] = [
        ['client.registered', async () => (person = await clients.register())],
        ['client.email_verified', () => clients.verify(person!)],
        ['client.logged_in', () => clients.signIn(person!)],
      ]
      const seen: string[] = []
      for (const [type, take] of steps) {
        const untouched = await holdEffects()
        await take()
        const someone = person!
        seen.push(type)
        if (when === 'before the effect') {
          await someoneWaits(effects.url, effectsName(), followers.length)
          await victim.kill()
          // Whose process is gone shall not finish what it began; who lives on does.
          if (victim === follower) await endTheWaiting(effects.url, effectsName())
          await untouched.release()
        } else {
          const unmarked = await guichet.hold(
            'identity',
            `SELECT FROM outbox_events WHERE aggregate_id = '${someone.id}' AND type = '${type}' FOR UPDATE`,
          )
          await untouched.release()
          await eventually(10_000, () => expectCounted(someone, seen))
          await guichet.someoneWaits('identity', followers.length)
          await victim.kill()
          await guichet.endTheWaiting('identity')
          await unmarked.release()
          expect((await guichet.events(someone)).at(-1)).toMatchObject({ type, by: [], published: false })
        }
        await victim.start()
        await expectPublished(guichet, someone, everyType.slice(0, 2 + seen.length))
        await expectCounted(someone, seen)
      }
    }
  },
)
