import { inbox, outbox, partitionsAtTheLimit, type Retention, testRetention } from '../../../tests/support/retention.ts'
import { freshDatabase } from '../../../tests/support/test-databases.ts'
import { sql } from '../../platform/db/database.ts'
import { pruning } from './index.ts'

const fresh = freshDatabase('profiles retention', { service: 'profiles' })

/** An entry of the log, so long after the month began in which the last 400 days did. */
const entry = (after: string) => (label: string) =>
  sql`
  INSERT INTO activities (account_id, tenant, type, created_at)
  VALUES (gen_random_uuid(), 'main', ${label},
          date_trunc('month', now() - interval '400 days', 'UTC') + ${after}::interval)`
const activities: Retention = {
  kept: { 'of a month with days to keep': entry('0'), 'of a month without a partition': entry('-3 years') },
  gone: { 'of a month over 400 days ago': entry('-1 microsecond') },
  left: () => sql`SELECT type AS label FROM activities`,
}

const total = (daysAgo: number) => (label: string) =>
  sql`
  INSERT INTO activity_totals (tenant, day, type, slot, activities)
  VALUES ('main', (now() - make_interval(days => ${daysAgo}))::date, ${label}, 0, 1)`
const activityTotals: Retention = {
  kept: { 'of 400 days ago': total(400) },
  gone: { 'of 401 days ago': total(401) },
  left: () => sql`SELECT type AS label FROM activity_totals`,
}

interface About {
  data?: object
  ip?: string
  userAgent?: string
  /** `test`, when absent; null: from before realms. */
  realm?: string | null
}

/** An entry that tells `about` somebody, who was removed (and erased, or not) or is still there. */
const telling = (about: About, removed?: { erased: boolean; realm?: string }) => (label: string) =>
  sql`
  WITH removed AS (
    INSERT INTO removed_profiles (account_id, realm, member_since, erased)
    SELECT md5(${label})::uuid, ${removed?.realm ?? 'test'}, now(), ${removed?.erased ?? false} WHERE ${removed !== undefined}
  )
  INSERT INTO activities (account_id, realm, tenant, type, data, ip, user_agent)
  VALUES (md5(${label})::uuid, ${about.realm === undefined ? 'test' : about.realm}, 'main', ${label}, ${JSON.stringify(about.data ?? {})}::jsonb, ${about.ip ?? null}::inet,
          ${about.userAgent ?? null})`
const erasures: Retention = {
  kept: {
    'of somebody who is there': telling({ data: { a: 1 }, ip: '192.0.2.1', userAgent: 'x' }),
    'of somebody whose log counts as empty': telling({ ip: '192.0.2.1' }, { erased: true }),
    'of another realm than somebody was removed from': telling({ ip: '192.0.2.1', realm: 'other' }, { erased: false }),
    'from before realms, of somebody removed from one': telling({ ip: '192.0.2.1', realm: null }, { erased: false }),
  },
  gone: {
    'the data of somebody removed': telling({ data: { a: 1 } }, { erased: false }),
    'the address of somebody removed': telling({ ip: '192.0.2.1' }, { erased: false }),
    'the browser of somebody removed': telling({ userAgent: 'x' }, { erased: false }),
    'of a realm, of a deleted account': telling({ ip: '192.0.2.1' }, { erased: false, realm: '' }),
    'from before realms, of a deleted account': telling({ ip: '192.0.2.1', realm: null }, { erased: false, realm: '' }),
  },
  left: () => sql`SELECT type AS label FROM activities WHERE data <> '{}' OR ip IS NOT NULL OR user_agent IS NOT NULL`,
}

/** Somebody who was removed, with a log of one entry. */
const removedWith =
  (about: About, from = 'test') =>
  (label: string) =>
    sql`
  WITH removed AS (
    INSERT INTO removed_profiles (account_id, realm, member_since) VALUES (md5(${label})::uuid, ${from}, now())
  )
  INSERT INTO activities (account_id, realm, tenant, type, data, ip, user_agent)
  VALUES (md5(${label})::uuid, ${about.realm === undefined ? 'test' : about.realm}, 'main', 'entry', ${JSON.stringify(about.data ?? {})}::jsonb, ${about.ip ?? null}::inet,
          ${about.userAgent ?? null})`
const erased: Retention = {
  kept: {
    'with data left': removedWith({ data: { a: 1 } }),
    'with an address left': removedWith({ ip: '192.0.2.1' }),
    'with a browser left': removedWith({ userAgent: 'x' }),
    'with an address left in a realm, of a deleted account': removedWith({ ip: '192.0.2.1' }, ''),
    'with an address left from before realms, of a deleted account': removedWith({ ip: '192.0.2.1', realm: null }, ''),
  },
  gone: {
    'whose log is empty': removedWith({}),
    'whose log tells of another realm': removedWith({ ip: '192.0.2.1', realm: 'other' }),
    'whose log tells of a time before realms': removedWith({ ip: '192.0.2.1', realm: null }),
    'who has no log': (label) =>
      sql`INSERT INTO removed_profiles (account_id, realm, member_since) VALUES (md5(${label})::uuid, 'test', now())`,
  },
  left: (labels) => sql`
    SELECT label FROM unnest(${labels}::text[]) label JOIN removed_profiles r ON r.account_id = md5(label)::uuid WHERE NOT r.erased`,
}

/** Somebody who was removed then, and from another realm at another time. */
const removedAt =
  (removed: string, isErased: boolean, fromAnother = '0') =>
  (label: string) =>
    sql`
  WITH own AS (
    INSERT INTO removed_profiles (account_id, realm, member_since, removed_at, erased)
    VALUES (md5(${label})::uuid, 'test', now(), now() + ${removed}::interval, ${isErased})
  )
  INSERT INTO removed_profiles (account_id, realm, member_since, removed_at, erased)
  VALUES (md5(${label})::uuid, 'other', now(), now() + ${fromAnother}::interval, true)`
const removals: Retention = {
  kept: {
    'removed 30 days ago': removedAt('-30 days', true),
    'removed lately, and from another realm long ago': removedAt('0', true, '-400 days'),
    'removed long ago, with a log to be emptied': removedAt('-400 days', false),
  },
  gone: { 'removed over 30 days ago': removedAt('-30 days -1 microsecond', true) },
  left: (labels) => sql`
    SELECT label FROM unnest(${labels}::text[]) label
      JOIN removed_profiles r ON r.account_id = md5(label)::uuid AND r.realm = 'test'`,
}

/** A term of a scope, counted in these slots; every scope has it, and its name tells the rows apart. */
const counted =
  (...slots: readonly number[]) =>
  (label: string) =>
    sql`
    INSERT INTO totals (scope, term, slot, profiles)
    SELECT ${label}, 'ada', slot, profiles FROM unnest(${slots}::integer[]) WITH ORDINALITY AS s (profiles, slot)`
const totals: Retention = {
  kept: { 'of one profile': counted(1), 'of one profile, in two slots': counted(3, -2) },
  gone: { 'of no profile': counted(0), 'of no profile, in two slots': counted(2, -2) },
  left: () => sql`SELECT DISTINCT scope AS label FROM totals`,
}

/** How a department was written, with so many profiles in each slot. */
const written =
  (...slots: readonly number[]) =>
  (label: string) =>
    sql`
    WITH counts AS (
      INSERT INTO totals (scope, term, slot, profiles)
      SELECT ${label}, '=department sales', slot, profiles FROM unnest(${slots}::integer[]) WITH ORDINALITY AS s (profiles, slot)
    )
    INSERT INTO departments (scope, term, department) VALUES (${label}, '=department sales', 'Sales')`
const departments: Retention = {
  kept: { 'of one profile': written(1), 'of one profile, in two slots': written(3, -2) },
  gone: { 'of no profile, in two slots': written(2, -2), 'that is counted no more': written() },
  left: () => sql`SELECT scope AS label FROM departments`,
}

testRetention(
  fresh,
  pruning,
  [activities, activityTotals, erasures, erased, removals, totals, departments, outbox, inbox],
  [partitionsAtTheLimit],
)
