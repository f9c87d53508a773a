import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Colour, green, red, stripes, svgWithScript } from '../../../../tests/support/images.ts'
import { contextIn, memberOf, profilesService } from '../../../../tests/support/profiles-service.ts'
import { systemClock } from '../../../platform/clock.ts'
import { sql } from '../../../platform/db/database.ts'
import { refuseAtEdge } from '../../../platform/errors.ts'
import { newId } from '../../../platform/ids.ts'
import { silentLogger } from '../../../platform/log.ts'
import { createDirectoryStore } from '../../../platform/storage/directory-store.ts'
import type { ObjectStore } from '../../../platform/storage/object-store.ts'
import type { AvatarDeps } from './deps.ts'
import { openAvatars } from './index.ts'
import { startAvatarSweep } from './sweep-avatars.ts'

let folder: string
let uploads = 0
/** Replaced by tests in which the store fails. */
let store: ObjectStore
const avatars: ObjectStore = {
  put: (...about) => store.put(...about),
  get: (key) => store.get(key),
  remove: (key) => store.remove(key),
  ping: () => store.ping(),
  close: async () => undefined,
}
const service = profilesService('avatars', { avatars })
const context = contextIn('test', { ip: '192.0.2.7', userAgent: 'camera' })
const soon = { timeout: 10_000, interval: 20 }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guichet-avatars-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  store = createDirectoryStore(join(folder, 'objects'))
})

/** A file as it comes in. */
async function upload(bytes: Buffer) {
  uploads += 1
  const path = join(folder, `upload-${uploads}`)
  await writeFile(path, bytes)
  return { path, bytes: bytes.length }
}
const picture = async (colour: Colour) => upload(await stripes(20, 20, [colour]).png().toBuffer())
const change = async (accountId: string, colour: Colour) =>
  service.profiles.changeAvatar(accountId, await picture(colour), context)

/** The keys in the store. */
async function kept(): Promise<string[]> {
  await mkdir(join(folder, 'objects'), { recursive: true })
  const entries = await readdir(join(folder, 'objects'), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}
/** The keys of the files that are noted of an account. */
const noted = async (accountId: string) =>
  (
    await service.database.many(
      sql<{ key: string }>`SELECT key FROM avatar_files WHERE account_id = ${accountId} ORDER BY created_at`,
    )
  ).map(({ key }) => key)
/** Avatars of another process, with a cache of its own. */
const openBeside = (people: AvatarDeps['people'], imageWaitMs?: number) => {
  const { database, accounts } = service
  const nothing = () => undefined
  const deps = { database, accounts, avatars, people, announce: nothing, eventsRecorded: nothing }
  return openAvatars({ ...deps, clock: systemClock, log: silentLogger() }, imageWaitMs)
}
const notFound = { code: 'profiles.not_found' }

describe('an avatar', () => {
  test('is stored, shown, logged and announced', async () => {
    const { id } = await service.person({ email: 'ada@example.org' })
    const before = await service.own(id)
    const woken = service.woken
    const changed = await change(id, red)
    expect(changed).toEqual({
      ...before,
      avatarKey: expect.stringMatching(/^[0-9a-f]{32}$/),
      updatedAt: expect.any(Date),
    })
    expect(await service.own(id)).toEqual(changed)
    const key = changed.avatarKey!
    expect(await noted(id)).toEqual([key])
    const image = await service.profiles.avatar(key)
    expect([...image.slice(0, 3)]).toEqual([0xff, 0xd8, 0xff])
    expect(
      Buffer.from(image).equals(await readFile(join(folder, 'objects', key.slice(0, 2), key.slice(2, 4), key))),
    ).toBe(true)
    expect((await service.logged(id)).at(-1)).toEqual({
      type: 'avatar_uploaded',
      data: {},
      ip: '192.0.2.7',
      userAgent: 'camera',
    })
    expect((await service.events(id)).at(-1)).toMatchObject({
      type: 'test.avatar_changed',
      data: { accountId: id, email: 'ada@example.org' },
    })
    expect(service.woken).toBe(woken + 1)
  })

  test('of somebody who never looked at the own profile is stored as well', async () => {
    const { id } = service.accounts.register()
    expect((await change(id, red)).avatarKey).toMatch(/^[0-9a-f]{32}$/)
  })

  test('of nobody is refused, and nothing is kept', async () => {
    const before = await kept()
    await expect(change(newId(), red)).rejects.toMatchObject(notFound)
    expect(await kept()).toEqual(before)
  })

  test('takes the place of the one before, which is gone', async () => {
    const { id } = await service.person()
    const first = (await change(id, red)).avatarKey!
    await service.profiles.avatar(first)
    const second = (await change(id, green)).avatarKey!
    expect(second).not.toBe(first)
    expect(await noted(id)).toEqual([second])
    expect(await kept()).not.toContain(first)
    expect(await kept()).toContain(second)
    await expect(service.profiles.avatar(first)).rejects.toMatchObject(notFound)
    expect(await service.profiles.avatar(second)).toHaveProperty('length')
  })

  test('that is removed is gone, and removing it again changes nothing', async () => {
    const { id } = await service.person()
    const key = (await change(id, red)).avatarKey!
    await service.profiles.avatar(key)
    expect((await service.profiles.removeAvatar(id, context)).avatarKey).toBeNull()
    await expect(service.profiles.avatar(key)).rejects.toMatchObject(notFound)
    expect(await noted(id)).toEqual([])
    expect(await kept()).not.toContain(key)
    const after = [await service.events(id), await service.logged(id), await service.own(id)]
    expect((await service.events(id)).at(-1)).toMatchObject({ type: 'test.avatar_removed' })
    expect((await service.logged(id)).at(-1)).toMatchObject({ type: 'avatar_deleted', ip: '192.0.2.7' })
    expect((await service.profiles.removeAvatar(id, context)).avatarKey).toBeNull()
    expect([await service.events(id), await service.logged(id), await service.own(id)]).toEqual(after)
  })

  test.each(['0'.repeat(32), 'f'.repeat(32)])('that nobody has (%s) is not there', async (key) => {
    await expect(service.profiles.avatar(key)).rejects.toMatchObject(notFound)
  })

  test('of a removed person is gone', async () => {
    const { id } = await service.person()
    const key = (await change(id, red)).avatarKey!
    await service.profiles.avatar(key)
    await service.profiles.remove(id, context)
    await expect(service.profiles.avatar(key)).rejects.toMatchObject(notFound)
    expect(await kept()).not.toContain(key)
    expect(await noted(id)).toEqual([])
  })

  test.each(['account.deleted', 'membership.ended'])(
    'of somebody of whom %s says that they went is gone',
    async (type) => {
      const membership = memberOf('test')
      const { id } = await service.person({ memberships: [membership] })
      const key = (await change(id, red)).avatarKey!
      await service.profiles.avatar(key)
      await service.database.run(
        sql`UPDATE avatar_files SET created_at = now() - interval '6 minutes' WHERE key = ${key}`,
      )
      service.accounts.leave(id, 'test')
      await service.tell(type, id, membership)
      await expect(service.profiles.avatar(key)).rejects.toMatchObject(notFound)
      await expect.poll(kept, soon).not.toContain(key)
      await expect.poll(() => noted(id), soon).toEqual([])
    },
  )
})

describe('an avatar that two realms show', () => {
  const other = contextIn('other')
  const key = async (id: string, realm = 'test') => (await service.own(id, realm)).avatarKey
  /** Somebody who has brought an avatar along from the realm `test` to `other`. */
  async function member() {
    const membership = memberOf('test')
    const { id } = await service.person({ memberships: [membership] })
    const shown = (await change(id, red)).avatarKey!
    service.accounts.join(id, memberOf('other', null, { origin: 'joined' }))
    expect(await key(id, 'other')).toBe(shown)
    return { id, shown, since: membership.since }
  }

  test.each<[string, (about: { id: string; since: string }) => Promise<unknown>]>([
    ['is replaced', ({ id }) => change(id, green)],
    ['is removed', ({ id }) => service.profiles.removeAvatar(id, context)],
    ['goes with the person', ({ id }) => service.profiles.remove(id, context)],
    [
      'goes with the membership',
      async ({ id, since }) => {
        service.accounts.leave(id, 'test')
        await service.tell('membership.ended', id, { realm: 'test', since })
      },
    ],
  ])('stays where it is shown when it %s in one of them, and goes with the last', async (_how, leave) => {
    const { id, shown, since } = await member()
    await leave({ id, since })
    expect(await key(id, 'other')).toBe(shown)
    expect(await service.profiles.avatar(shown)).toHaveProperty('length')
    await service.database.run(
      sql`UPDATE avatar_files SET created_at = now() - interval '25 hours' WHERE key = ${shown}`,
    )
    await swept()
    expect(await kept()).toContain(shown)
    await service.profiles.removeAvatar(id, other)
    await expect(service.profiles.avatar(shown)).rejects.toMatchObject(notFound)
    expect(await kept()).not.toContain(shown)
    expect(await noted(id)).not.toContain(shown)
  })

  test('is changed in one, and the other goes on showing its own', async () => {
    const { id, shown } = await member()
    const changed = (await service.profiles.changeAvatar(id, await picture(green), other)).avatarKey
    expect([await key(id), await key(id, 'other')]).toEqual([shown, changed])
    const logged = await service.database.many(sql`
      SELECT realm FROM activities WHERE account_id = ${id} AND type = 'avatar_uploaded' ORDER BY id`)
    expect(logged).toEqual([{ realm: 'test' }, { realm: 'other' }])
    expect((await service.events(id)).map(({ type }) => type)).toEqual(['test.avatar_changed', 'other.avatar_changed'])
    await service.profiles.removeAvatar(id, other)
    expect([await key(id), await key(id, 'other')]).toEqual([shown, null])
  })

  test('of who is no member of the realm is refused, and nothing is kept', async () => {
    const { id, shown } = await member()
    const before = await kept()
    const elsewhere = contextIn('elsewhere')
    const changing = service.profiles.changeAvatar(id, await picture(green), elsewhere)
    await expect(changing).rejects.toMatchObject(notFound)
    await expect(service.profiles.removeAvatar(id, elsewhere)).rejects.toMatchObject(notFound)
    expect(await kept()).toEqual(before)
    expect(await key(id)).toBe(shown)
  })
})

describe('a failure', () => {
  test.each([
    ['no image', 'profiles.not_an_image', () => svgWithScript],
    [
      'a damaged one',
      'profiles.image_damaged',
      async () => (await stripes(99, 99, [red]).jpeg().toBuffer()).subarray(0, 300),
    ],
  ])('of %s leaves the avatar as it is', async (_what, code, make) => {
    const { id } = await service.person()
    const { avatarKey } = await change(id, red)
    const before = [await kept(), await service.events(id), await service.logged(id)]
    const failing = service.profiles.changeAvatar(id, await upload(await make()), context)
    await expect(failing).rejects.toMatchObject({ code })
    expect([await kept(), await service.events(id), await service.logged(id)]).toEqual(before)
    expect((await service.own(id)).avatarKey).toBe(avatarKey)
    expect(await noted(id)).toEqual([avatarKey])
  })

  test('of the store leaves the avatar as it is', async () => {
    const { id } = await service.person()
    const { avatarKey } = await change(id, red)
    const before = [await kept(), await service.events(id), await service.logged(id)]
    const whole = store
    // It keeps what it was given, and answers too late.
    store = {
      ...store,
      async put(...about) {
        await whole.put(...about)
        throw refuseAtEdge('edge.unavailable')
      },
    }
    await expect(change(id, green)).rejects.toMatchObject({ code: 'edge.unavailable' })
    expect([await service.events(id), await service.logged(id)]).toEqual(before.slice(1))
    expect((await service.own(id)).avatarKey).toBe(avatarKey)
    const unused = (await noted(id)).filter((key) => key !== avatarKey)
    expect(unused).toHaveLength(1)
    await expect(service.profiles.avatar(unused[0]!)).rejects.toMatchObject(notFound)
    await service.database.run(sql`UPDATE avatar_files SET created_at = now() - interval '25 hours'`)
    await swept()
    expect([await kept(), await noted(id)]).toEqual([before[0], [avatarKey]])
  })

  test('to remove the one before does not matter to whoever has a new one, and the sweep makes it good', async () => {
    const { id } = await service.person()
    const first = (await change(id, red)).avatarKey!
    const whole = store
    store = { ...store, remove: async () => Promise.reject(refuseAtEdge('edge.unavailable')) }
    const second = (await change(id, green)).avatarKey!
    expect(await noted(id)).toEqual([first, second])
    await expect(service.profiles.avatar(first)).rejects.toMatchObject(notFound)
    store = whole
    await service.database.run(sql`UPDATE avatar_files SET created_at = now() - interval '25 hours'`)
    await swept()
    expect(await noted(id)).toEqual([second])
    expect(await kept()).not.toContain(first)
    expect(await kept()).toContain(second)
  })

  test('because the person was removed meanwhile leaves no file', async () => {
    const { id } = await service.person()
    const before = await kept()
    const whole = store
    store = {
      ...store,
      async put(...about) {
        await whole.put(...about)
        await service.tell('account.deleted', id)
      },
    }
    await expect(change(id, red)).rejects.toMatchObject(notFound)
    expect(await kept()).toEqual(before)
    expect(await noted(id)).toEqual([])
  })

  test('after the change was committed keeps the new avatar', async () => {
    const { id } = await service.person()
    const first = (await change(id, red)).avatarKey!
    const beside = openBeside({
      get: (_key, _part, load) => load(),
      drop: async () => Promise.reject(new Error('the cache is away')),
      close: () => undefined,
    })
    await expect(beside.change(id, await picture(green), context)).rejects.toThrow('the cache is away')
    const second = (await service.own(id)).avatarKey!
    expect(second).not.toBe(first)
    expect(await service.profiles.avatar(second)).toHaveProperty('length')
    await beside.close()
  })
})

describe('at once', () => {
  test('several for one person: one of them stays, and nothing else', async () => {
    const { id } = await service.person()
    const changed = await Promise.all([red, green, red, green].map((colour) => change(id, colour)))
    const { avatarKey } = await service.own(id)
    expect(changed.map((profile) => profile.avatarKey)).toContain(avatarKey)
    expect(await noted(id)).toEqual([avatarKey])
    const others = changed.map((profile) => profile.avatarKey).filter((key) => key !== avatarKey)
    expect((await kept()).filter((key) => others.includes(key))).toEqual([])
    expect(await service.profiles.avatar(avatarKey!)).toHaveProperty('length')
  })

  test('setting and removing: what the profile says is what there is', async () => {
    const { id } = await service.person()
    await change(id, red)
    await Promise.all([change(id, green), service.profiles.removeAvatar(id, context), change(id, red)])
    const { avatarKey } = await service.own(id)
    expect(await noted(id)).toEqual(avatarKey === null ? [] : [avatarKey])
  })

  test('an image whose process fails, again and again, leaves its place to the next', async () => {
    const { id } = await service.person()
    const gone = { path: join(folder, 'no such upload'), bytes: 1 }
    for (let turn = 0; turn < 3; turn += 1)
      await expect(service.profiles.changeAvatar(id, gone, context)).rejects.toThrow('Input file is missing')
    const { avatarKey } = await change(id, red)
    expect(await noted(id)).toEqual([avatarKey])
  })

  test('whoever waits too long is refused, the second like the first, and the next has a turn again', async () => {
    const { id } = await service.person()
    const uncached = { get: (_: string, __: string, load: () => Promise<never>) => load(), drop: async () => undefined }
    const beside = openBeside({ ...uncached, close: () => undefined } as AvatarDeps['people'], 1)
    const pictures = await Promise.all(Array.from({ length: 6 }, () => picture(red)))
    for (const time of ['first', 'second']) {
      const burst = pictures.map((one) => beside.change(id, one, context))
      const refused = (await Promise.allSettled(burst)).filter((one) => one.status === 'rejected')
      expect(refused.length, time).toBeGreaterThanOrEqual(2)
      for (const { reason } of refused) expect(reason, time).toMatchObject({ code: 'profiles.busy' })
      expect(await beside.change(id, await picture(green), context), time).toHaveProperty('avatarKey')
    }
    await beside.close()
  })

  // Some of them wait as long as they may, where there is much else to do.
  test('more images than are worked on and may wait are refused', { timeout: 60_000 }, async () => {
    const { id } = await service.person()
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => change(id, red)))
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(15)
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'profiles.busy' } })
    expect(outcomes.length - refused.length).toBeGreaterThan(0)
    const { avatarKey } = await service.own(id)
    expect(await noted(id)).toEqual([avatarKey])
  })
})

/** One round of the sweep, or of several beside each other. */
async function swept(beside = 1): Promise<void> {
  const { database } = service
  const sweeps = Array.from({ length: beside }, () => startAvatarSweep({ database, avatars, log: silentLogger() }))
  const orphans = async () =>
    (
      await database.many(sql`
        SELECT FROM avatar_files f WHERE created_at < now() - interval '1 day'
           AND NOT EXISTS (SELECT FROM profiles p WHERE p.avatar_key = f.key)`)
    ).length
  await expect.poll(orphans, soon).toBe(0)
  await Promise.all(sweeps.map((sweep) => sweep.stop()))
}

describe('the sweep', () => {
  /** A file that a process left behind between two steps. */
  const leave = async (accountId: string, age: string) => {
    const key = newId().replaceAll('-', '')
    await store.put(key, Buffer.from('left behind'), 'image/jpeg')
    await service.database.run(sql`
      INSERT INTO avatar_files (key, account_id, created_at) VALUES (${key}, ${accountId}, now() - ${age}::interval)`)
    return key
  }

  test('removes what nobody has after a day, and nothing that somebody has', async () => {
    const { id } = await service.person()
    const shown = (await change(id, red)).avatarKey!
    await service.database.run(
      sql`UPDATE avatar_files SET created_at = now() - interval '400 days' WHERE key = ${shown}`,
    )
    const old = await Promise.all(Array.from({ length: 11 }, () => leave(id, '25 hours')))
    const young = await leave(id, '23 hours')
    await swept()
    expect((await noted(id)).sort()).toEqual([shown, young].sort())
    const left = await kept()
    expect(left).toEqual(expect.arrayContaining([shown, young]))
    expect(left.filter((key) => old.includes(key))).toEqual([])
  })

  test('shares the work with others, and each file is removed', async () => {
    const { id } = await service.person()
    const keys = await Promise.all(Array.from({ length: 30 }, () => leave(id, '2 days')))
    await swept(3)
    expect(await noted(id)).toEqual([])
    expect((await kept()).filter((key) => keys.includes(key))).toEqual([])
  })

  test('keeps what it could not remove for the next time', async () => {
    const { id } = await service.person()
    const key = await leave(id, '2 days')
    const whole = store
    let asked = 0
    store = {
      ...store,
      async remove() {
        asked += 1
        throw refuseAtEdge('edge.unavailable')
      },
    }
    const { database } = service
    const sweep = startAvatarSweep({ database, avatars, log: silentLogger() })
    await expect.poll(() => asked, soon).toBe(1)
    store = whole
    expect(await noted(id)).toEqual([key])
    sweep.wake()
    await expect.poll(() => noted(id), soon).toEqual([])
    expect(await kept()).not.toContain(key)
    await sweep.stop()
  })
})
