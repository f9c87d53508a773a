import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { contextIn, memberOf, profilesService } from '../../../tests/support/profiles-service.ts'
import { sql } from '../../platform/db/database.ts'
import type { AccountSummary, ProfileFields, ProfileSearch } from './index.ts'
import { pruneTotals } from './store/pruning.ts'

const service = profilesService('search profiles')
const context = contextIn()

const search = (by: Partial<ProfileSearch>, who = context) =>
  service.profiles.search({ sortBy: 'createdAt', descending: false, limit: 100, offset: 0, ...by }, who)
const found = async (by: Partial<ProfileSearch>, who = context) => {
  const { total, profiles } = await search(by, who)
  expect(total).toBe(profiles.length)
  return profiles.map(({ username }) => username)
}

async function add(username: string, fields: ProfileFields, about: Partial<AccountSummary> = {}): Promise<string> {
  const { id, tenant } = await service.person({ username, ...about })
  if (Object.keys(fields).length > 0) await service.profiles.change(id, fields, contextIn('test', { tenant }))
  return id
}

/** What the totals say, and what they would say if everything were counted again. */
async function totals() {
  const kept = await service.database.many(sql<{ scope: string; term: string; profiles: number }>`
    SELECT scope, term, sum(profiles) AS profiles FROM totals GROUP BY scope, term HAVING sum(profiles) <> 0 ORDER BY 1, 2`)
  const counted = await service.database.many(sql<{ scope: string; term: string; profiles: number }>`
    SELECT scope, term, count(*) AS profiles FROM profiles, terms_of(search) term GROUP BY scope, term
     ORDER BY scope, term COLLATE "C"`)
  return { kept, counted }
}

afterEach(async () => {
  const { kept, counted } = await totals()
  expect(kept).toEqual(counted)
})

describe('a search', () => {
  beforeAll(async () => {
    await add('eloise', {
      firstName: 'Éloïse',
      lastName: 'Martin',
      email: 'eloise.martin@example.org',
      department: 'Ventes',
    })
    await add('elodie', {
      firstName: 'ELODIE',
      lastName: 'Straße',
      jobTitle: 'Ingénieure réseau',
      department: 'ventes',
    })
    await add('oystein', { displayName: 'Øystein Łukasz', email: 'oy@exämple.org', department: 'Ventes' })
    await add('chinese', { lastName: '王', firstName: '小明' })
    await add('melody', { firstName: 'Mélody', lastName: "O'Brien", department: "R&D: 'Labs' \\ more" })
    await add('elsewhere', { firstName: 'Éloïse', department: 'Ventes' }, { tenant: 'Other' })
  })

  test.each([
    ['élo', ['eloise', 'elodie']],
    ['elo', ['eloise', 'elodie']],
    ['ELOÏ', ['eloise']],
    ['e', ['eloise', 'elodie', 'oystein']],
    ['lo', []],
    ['martin élo', ['eloise']],
    ['mart elod', []],
    ['strasse', ['elodie']],
    ['straße', ['elodie']],
    ['res', ['elodie']],
    ['oys', ['oystein']],
    ['łuk', ['oystein']],
    ['lukasz oy@example', ['oystein']],
    ['eloise.martin@example.org', ['eloise']],
    ['martin@example.org', []],
    ['example.org', ['eloise', 'oystein']],
    ['ventes', ['eloise', 'elodie', 'oystein']],
    ['王', ['chinese']],
    ['小', ['chinese']],
    ["o'b", ['melody']],
    ['brien', ['melody']],
    ['?!', []],
    ["'", []],
    ['tenant', []],
    ['main', []],
    ['  ', ['eloise', 'elodie', 'oystein', 'chinese', 'melody']],
  ])('for %j finds %j', async (text, expected) => {
    expect(await found({ text })).toEqual(expected)
  })

  test('by department finds those of that name, in whichever case', async () => {
    for (const department of ['Ventes', 'ventes', 'VENTES']) {
      expect((await found({ department })).toSorted()).toEqual(['elodie', 'eloise', 'oystein'])
    }
    expect(await found({ department: 'Vente' })).toEqual([])
    expect(await found({ department: "R&D: 'Labs' \\ more" })).toEqual(['melody'])
    expect((await found({ department: 'Ventes', text: 'élo' })).toSorted()).toEqual(['elodie', 'eloise'])
    expect(await found({ department: '\0' })).toEqual([])
  })

  test('ends at the tenant', async () => {
    expect(await found({ text: 'eloise' }, contextIn('test', { tenant: 'OTHER' }))).toEqual(['elsewhere'])
    expect(await found({}, contextIn('test', { tenant: 'nobodys' }))).toEqual([])
    const named = {
      ...context,
      realm: { ...context.realm, policy: { ...context.realm.policy, tenant: 'named' as const } },
    }
    await expect(search({}, named)).rejects.toMatchObject({ code: 'profiles.not_found' })
  })

  test('ends at the realm, whose words and departments are its own', async () => {
    const tenant = 'realms'
    const [here, there] = [contextIn('test', { tenant }), contextIn('there', { tenant })]
    const memberships = [memberOf('test'), memberOf('there')]
    const id = await add('both', { firstName: 'Zenobia', department: 'Here' }, { tenant, memberships })
    await service.profiles.change(id, { firstName: 'Xanthe', department: 'There' }, there)
    await add('one', { firstName: 'Zenobia', department: 'Here' }, { tenant })
    const everywhere = (by: Partial<ProfileSearch>) => Promise.all([found(by, here), found(by, there)])
    expect(await everywhere({ text: 'zeno' })).toEqual([['both', 'one'], []])
    expect(await everywhere({ text: 'xan' })).toEqual([[], ['both']])
    expect(await everywhere({ department: 'Here' })).toEqual([['both', 'one'], []])
    expect(await everywhere({ department: 'There', text: 'x' })).toEqual([[], ['both']])
    expect(await everywhere({})).toEqual([['both', 'one'], ['both']])
    for (const who of [here, there]) {
      const { profiles } = await search({ text: who === here ? 'zeno' : 'xan' }, who)
      expect(profiles[0]).toEqual({ ...(await service.profiles.read({ accountId: id }, who)), active: true })
    }
  })

  test('shows who is an active member of the realm, as identity says at the time', async () => {
    const tenant = 'activity'
    const memberships = [memberOf('test'), memberOf('there')]
    const id = await add('stays', {}, { tenant, memberships })
    const left = await add('left', {}, { tenant, memberships })
    for (const accountId of [id, left]) await service.profiles.read({ accountId }, contextIn('there', { tenant }))
    service.accounts.leave(left, 'test')
    const activeIn = async (realm: string) =>
      (await search({}, contextIn(realm, { tenant }))).profiles.map(({ username, active }) => [username, active])
    expect((await activeIn('test')).toSorted()).toEqual([
      ['left', false],
      ['stays', true],
    ])
    expect((await activeIn('there')).toSorted()).toEqual([
      ['left', true],
      ['stays', true],
    ])
    service.accounts.break('active', 'edge.identity_unavailable')
    await expect(activeIn('test')).rejects.toMatchObject({ code: 'edge.identity_unavailable' })
    service.accounts.mend()
  })

  test('gives profiles as they are read one by one', async () => {
    const { profiles } = await search({ text: 'strasse' })
    expect(profiles).toEqual([{ ...(await service.own(profiles[0]!.accountId)), active: true }])
  })
})

describe('roles', () => {
  const contract = contextIn('roles', { tenant: 'roles' })
  const roleOf = (role: string) => found({ role }, contract)

  test('are those of the realm; whoever has none is a person', async () => {
    const tenant = 'roles'
    await add('plain', {}, { tenant, memberships: [memberOf('roles')] })
    await add('granted', {}, { tenant, memberships: [memberOf('roles', 'user')] })
    await add('admin', {}, { tenant, memberships: [memberOf('roles', 'admin')] })
    const elsewhere = [memberOf('roles'), memberOf('other', 'admin')]
    await add('elsewhere admin', {}, { tenant, memberships: elsewhere })
    await add('no member', {}, { tenant, memberships: [memberOf('other')] })
    expect(await roleOf('admin')).toEqual(['admin'])
    expect(await roleOf('user')).toEqual(['plain', 'granted', 'elsewhere admin'])
    expect(await roleOf('manager')).toEqual([])
    expect(await found({ role: 'user', text: 'x' }, contract)).toEqual([])
    expect(await found({ role: 'admin' }, contextIn('other', { tenant }))).toEqual(['elsewhere admin'])
  })

  test('are followed when they change', async () => {
    const { id } = await service.person({ username: 'rising', tenant: 'roles', memberships: [memberOf('roles')] })
    await service.profiles.change(id, { firstName: 'Rising' }, contract)
    await service.profiles.changeRole(id, 'manager', { accountId: 'administrator' }, contract)
    expect(await roleOf('manager')).toEqual(['rising'])
    expect(await found({ role: 'manager', text: 'ris' }, contract)).toEqual(['rising'])
    await service.profiles.changeRole(id, 'user', { accountId: 'administrator' }, contract)
    expect(await roleOf('manager')).toEqual([])
    expect(await roleOf('user')).toContain('rising')
  })
})

describe('the order', () => {
  const tenant = 'sorted'
  const who = contextIn('test', { tenant })
  const names = ['Éloïse', 'Emil', null, 'eva', 'Zoé', 'Emil', null, 'Œdipe', 'Oda', 'ötzi', null, 'Anna']
  const orders = (['createdAt', 'updatedAt', 'email', 'firstName', 'lastName'] as const).flatMap((sortBy) =>
    [false, true].map((descending) => ({ sortBy, descending })),
  )

  beforeAll(async () => {
    for (const [index, name] of names.entries()) {
      const fields: ProfileFields = name === null ? {} : { firstName: name, lastName: name.repeat(2) }
      if (index % 3 === 0) fields.email = `${name ?? 'nobody'}${index}@example.org`
      if (index % 2 === 0) fields.jobTitle = 'Member'
      await add(`sorted${index}`, fields, { tenant })
    }
  })

  test.each([
    [false, ['Anna', 'Éloïse', 'Emil', 'Emil', 'eva', 'Oda', 'Œdipe', 'ötzi', 'Zoé', null, null, null]],
    [true, ['Zoé', 'ötzi', 'Œdipe', 'Oda', 'eva', 'Emil', 'Emil', 'Éloïse', 'Anna', null, null, null]],
  ])('by first name (descending: %s) knows no accents and has nothing last', async (descending, expected) => {
    const { profiles } = await search({ sortBy: 'firstName', descending }, who)
    expect(profiles.map(({ firstName }) => firstName)).toEqual(expected)
  })

  test.each(orders)('by $sortBy, descending: $descending, is the same page by page as at once', async (order) => {
    for (const filter of [{}, { text: 'm' }]) {
      const all = (await search({ ...order, ...filter, limit: 100 }, who)).profiles.map(({ accountId }) => accountId)
      expect(all.length).toBe(filter.text === undefined ? names.length : 6)
      for (const limit of [1, 2, 5, all.length]) {
        const pages: string[] = []
        for (let offset = 0; offset < all.length + limit; offset += limit) {
          const { total, profiles } = await search({ ...order, ...filter, limit, offset }, who)
          expect(total).toBe(all.length)
          pages.push(...profiles.map(({ accountId }) => accountId))
        }
        expect(pages, `pages of ${limit}`).toEqual(all)
      }
    }
  })

  test.each(orders)('by $sortBy, descending: $descending, has nothing last', async ({ sortBy, descending }) => {
    const { profiles } = await search({ sortBy, descending }, who)
    const empty = profiles.map((profile) => profile[sortBy] === null)
    expect(empty).toEqual(empty.toSorted())
  })

  test('leaves nobody out who stands far behind the others that fit', async () => {
    const uneven = 'uneven'
    // One of them first, ninety-nine last.
    await service.database.run(sql`
      INSERT INTO profiles (account_id, realm, number, tenant, username, department, search, indexed, created_at)
      SELECT gen_random_uuid(), 'test', 2000000 + n, ${uneven}, 'uneven' || n, department,
             array_to_tsvector(ARRAY['=tenant ' || ${uneven}, '=department ' || lower(department)]), true,
             timestamptz '2026-01-01' + make_interval(secs => n)
        FROM generate_series(1, 1500) n, LATERAL (SELECT CASE WHEN n = 1 OR n > 1401 THEN 'Rare' ELSE 'Usual' END) d (department)`)
    const by = { department: 'Rare', limit: 3 } as const
    const { total, profiles } = await search(by, contextIn('test', { tenant: uneven }))
    expect(total).toBe(100)
    expect(profiles.map(({ username }) => username)).toEqual(['uneven1', 'uneven1402', 'uneven1403'])
  })

  test('leaves nobody out far behind the end', async () => {
    expect(await search({ offset: 1_000_000_000 }, who)).toEqual({ total: names.length, profiles: [] })
    expect(await search({ text: 'm', offset: 6 }, who)).toEqual({ total: 6, profiles: [] })
  })
})

describe('totals', () => {
  const tenant = 'counted'
  const who = contextIn('test', { tenant })

  test('stay exact while many change at once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 24 }, (_, index) => add(`counted${index}`, { firstName: `Name${index}` }, { tenant })),
    )
    // Of those that are removed meanwhile, a change finds nobody.
    await Promise.allSettled(
      ids.flatMap((id, index) => [
        service.profiles.change(id, { lastName: `Other${index % 3}`, department: `D${index % 2}` }, who),
        service.profiles.change(id, { firstName: index % 2 === 0 ? null : 'Same' }, who),
        ...(index % 4 === 0 ? [service.profiles.remove(id, who)] : []),
      ]),
    )
    const { kept, counted } = await totals()
    expect(kept).toEqual(counted)
    expect((await search({}, who)).total).toBeLessThan(24)
  })

  test('of words that nobody has any more are forgotten, and no other', async () => {
    const before = await totals()
    for (let turn = 0; turn < 2_000; turn += 1) {
      await service.database.run(pruneTotals())
      const { left } = await service.database.one(sql<{ left: number }>`
        SELECT count(*) AS left FROM (SELECT FROM totals GROUP BY scope, term HAVING sum(profiles) = 0) t`)
      if (left === 0) break
    }
    const unused = await service.database.many(
      sql`SELECT term FROM totals GROUP BY scope, term HAVING sum(profiles) = 0`,
    )
    expect(unused).toEqual([])
    expect((await totals()).kept).toEqual(before.kept)
  })
})
