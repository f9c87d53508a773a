import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { jwksKeySource, localKeySource } from './key-source.ts'

const minute = 60_000

/** A set that is served, the time, and the source that reads it. */
function setUp(...kids: string[]) {
  const world = { kids, now: 1_800_000_000_000, away: false, fetched: 0 }
  const source = jwksKeySource(
    async () => {
      world.fetched += 1
      if (world.away) throw new Error('away')
      return { keys: world.kids.map((kid) => ({ kty: 'EC', kid })) }
    },
    { now: () => world.now },
  )
  return { world, source }
}

describe('an unknown key id', () => {
  test('is fetched, though the set was read a moment ago', async () => {
    const { world, source } = setUp('one')
    await source.find('one')
    world.kids = ['two', 'one']
    expect(await source.find('two')).toMatchObject({ kid: 'two' })
  })

  test('is fetched once in ten seconds, however many a stranger invents', async () => {
    const { world, source } = setUp('one')
    await source.find('one')
    for (let turn = 0; turn < 10; turn += 1) expect(await source.find(`invented-${turn}`)).toBeUndefined()
    // At the start, and for the first of the ten.
    expect(world.fetched).toBe(2)
    world.now += 10_000
    await source.find('invented')
    expect(world.fetched).toBe(3)
  })

  test('costs one fetch when many ask at a time', async () => {
    const { world, source } = setUp('one')
    await Promise.all(Array.from({ length: 10 }, () => source.find('one')))
    expect(world.fetched).toBe(1)
  })
})

test('the set is read before the first token comes, and keys without an id are nobody’s', async () => {
  const { world, source } = setUp('one')
  expect(world.fetched).toBe(1)
  await expect.poll(() => source.has('one')).toBe(true)
  const nameless = jwksKeySource(async () => ({ keys: [{ kty: 'EC' }] }), { now: () => world.now })
  expect(await nameless.find('undefined')).toBeUndefined()
})

describe('a key that is withdrawn', () => {
  test('is gone at most five minutes later, and nobody waited for that while the set was in use', async () => {
    const { world, source } = setUp('one', 'two')
    await source.find('one')
    world.kids = ['two']
    world.now += 4 * minute
    expect(source.has('one')).toBe(true)
    await expect.poll(() => source.has('one')).toBe(false)
    expect(source.has('two')).toBe(true)
    expect(world.fetched).toBe(2)
  })

  test('is not trusted by a source that nobody used meanwhile', async () => {
    const { world, source } = setUp('one')
    await source.find('one')
    world.kids = []
    world.now += 5 * minute
    expect(source.has('one')).toBe(false)
    expect(await source.find('one')).toBeUndefined()
  })

  test('is not trusted for longer because the set took long to come', async () => {
    let now = 1_800_000_000_000
    const answer = Promise.withResolvers<{ keys: { kid: string }[] }>()
    const source = jwksKeySource(() => answer.promise, { now: () => now })
    now += minute
    answer.resolve({ keys: [{ kid: 'one' }] })
    await source.find('one')
    now += 4 * minute - 1
    expect(source.has('one')).toBe(true)
    now += 1
    expect(source.has('one')).toBe(false)
  })
})

describe('while the set cannot be read', () => {
  test('keys are known for five minutes, with few tries, and then it rejects', async () => {
    const { world, source } = setUp('one')
    await source.find('one')
    world.away = true
    world.now += 4 * minute + 30_000
    for (let turn = 0; turn < 10; turn += 1) expect(source.has('one')).toBe(true)
    await setImmediate()
    world.now += 9_999
    expect(source.has('one')).toBe(true)
    expect(world.fetched).toBe(2)
    world.now += 1
    expect(source.has('one')).toBe(true)
    expect(world.fetched).toBe(3)
    world.now += 20_000
    expect(source.has('one')).toBe(false)
    await expect(source.find('one')).rejects.toThrow('away')
    world.away = false
    expect(await source.find('one')).toMatchObject({ kid: 'one' })
    expect(source.has('one')).toBe(true)
  })
})

test('a local source follows its set at once', async () => {
  let set = { keys: [{ kty: 'EC', kid: 'one' }] }
  const source = localKeySource(() => set)
  expect(source.has('one')).toBe(true)
  set = { keys: [{ kty: 'EC', kid: 'two' }] }
  expect(source.has('one')).toBe(false)
  expect(await source.find('one')).toBeUndefined()
  expect(await source.find('two')).toMatchObject({ kid: 'two' })
})
