import { expect, test } from 'vitest'
import { type Database, type Queryable, type Statement, sql } from '../../src/platform/db/database.ts'

/** Plants one row that is known by `label`. */
type Plant = (label: string) => Statement<unknown>

/** The rows that one pruning statement is tried on, by what they stand for. */
export interface Retention {
  /** On this side of the limit, or such that age does not matter. */
  readonly kept: Readonly<Record<string, Plant>>
  readonly gone: Readonly<Record<string, Plant>>
  /** Reads which of the labels belong to rows that still hold what the statement removes. */
  readonly left: (labels: readonly string[]) => Statement<{ label: string }>
}

/**
 * Tries each statement of a service's `pruning`, which `retentions` follow in order, on rows at its limit and a microsecond past
 * it: that leaves out none, and that it touches no row of another. All of it in transactions that are rolled back, where the time
 * stands still.
 */
export function testRetention(
  service: { readonly database: Database },
  pruning: readonly (() => Statement<unknown>)[],
  retentions: readonly Retention[],
  fixtures: readonly Statement<unknown>[],
): void {
  test('every pruning statement has rows that it is tried on', () => {
    expect(retentions).toHaveLength(pruning.length)
    for (const { kept, gone } of retentions) {
      expect(Object.keys(kept)).not.toEqual([])
      expect(Object.keys(gone)).not.toEqual([])
    }
  })

  test.each(pruning.map((statement, at) => [nameOf(statement()), at] as const))('%s (%i)', async (_name, own) => {
    const left = await rolledBack(service.database, async (tx) => {
      for (const fixture of fixtures) await tx.run(fixture)
      for (const [at, { kept, gone }] of retentions.entries()) {
        for (const [what, plant] of Object.entries({ ...kept, ...gone })) await tx.run(plant(`${at} ${what}`))
      }
      await tx.run(everyPage((pruning[own] as () => Statement<unknown>)()))
      const found: string[][] = []
      for (const [at, one] of retentions.entries()) found.push(await labelsOf(tx, one, at))
      return found
    })
    const expected = retentions.map(({ kept, gone }, at) =>
      Object.keys(at === own ? kept : { ...kept, ...gone }).map((what) => `${at} ${what}`),
    )
    expect(left).toEqual(expected)
  })
}

async function labelsOf(tx: Queryable, { kept, gone, left }: Retention, at: number): Promise<string[]> {
  const planted = Object.keys({ ...kept, ...gone }).map((what) => `${at} ${what}`)
  const found = new Set((await tx.many(left(planted))).map(({ label }) => label))
  return planted.filter((label) => found.has(label))
}

const nameOf = ({ text }: Statement<unknown>): string => text.trim().replaceAll(/\s+/g, ' ').slice(0, 90)

/** A statement that looks at some pages of a table by chance, made to look at all of them. */
const everyPage = (statement: Statement<unknown>): Statement<unknown> =>
  statement.text.includes('SYSTEM (1)')
    ? { ...statement, name: `${statement.name}-all`, text: statement.text.replace('SYSTEM (1)', 'SYSTEM (100)') }
    : statement

async function rolledBack<Result>(database: Database, work: (tx: Queryable) => Promise<Result>): Promise<Result> {
  const over = new Error('rolled back')
  let result: { value: Result } | undefined
  await database
    .transaction(async (tx) => {
      result = { value: await work(tx) }
      throw over
    })
    .catch((error: unknown) => {
      if (error !== over) throw error
    })
  if (!result) throw new Error('the work was not done')
  return result.value
}

/** A fixture: partitions of `activities` for the month in which the last 400 days began, and for the one before it. */
export const partitionsAtTheLimit = sql`
  DO $$
  DECLARE
    month date;
  BEGIN
    FOR ago IN 0..1 LOOP
      month := date_trunc('month', now() AT TIME ZONE 'UTC' - interval '400 days') - make_interval(months => ago);
      EXECUTE format('CREATE TABLE %I PARTITION OF activities FOR VALUES FROM (%L) TO (%L)',
        'activities_' || to_char(month, 'YYYY_MM'), month::text || ' 00:00:00+00',
        (month + interval '1 month')::date::text || ' 00:00:00+00');
    END LOOP;
  END $$`

/** The rows of idempotency keys, of the outbox and of the inbox, which services have alike. */
export const idempotencyKeys: Retention = {
  kept: { 'a day old': key('-24 hours') },
  gone: { 'over a day old': key('-24 hours -1 microsecond') },
  left: () => sql`SELECT key AS label FROM idempotency_keys`,
}
function key(created: string): Plant {
  return (label) => sql`
    INSERT INTO idempotency_keys (account_id, route, key, request_hash, created_id, created_at)
    VALUES (gen_random_uuid(), 'POST /orders', ${label}, '', gen_random_uuid(), now() + ${created}::interval)`
}

export const outbox: Retention = {
  kept: {
    'published 7 days ago': event('-7 days', '-7 days'),
    'old, and published just now': event('-400 days', '0'),
    'old, and not published': event('-400 days', null),
    'old, acknowledged by one, and not published': event('-400 days', null, ['profiles']),
  },
  gone: { 'published over 7 days ago': event('-8 days', '-7 days -1 microsecond', ['profiles']) },
  left: () => sql`SELECT type AS label FROM outbox_events`,
}
function event(occurred: string, published: string | null, acknowledgedBy: readonly string[] = []): Plant {
  return (label) => sql`
    INSERT INTO outbox_events (id, aggregate_id, sequence, type, data, occurred_at, acknowledged_by, published_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), 1, ${label}, '{}', now() + ${occurred}::interval, ${acknowledgedBy}::text[],
            now() + ${published}::interval)`
}

export const inbox: Retention = {
  kept: { 'handled 30 days ago': handled('-30 days') },
  gone: { 'handled over 30 days ago': handled('-30 days -1 microsecond') },
  left: () => sql`SELECT consumer AS label FROM inbox_events`,
}
function handled(at: string): Plant {
  return (label) =>
    sql`INSERT INTO inbox_events (consumer, event_id, handled_at) VALUES (${label}, gen_random_uuid(), now() + ${at}::interval)`
}
