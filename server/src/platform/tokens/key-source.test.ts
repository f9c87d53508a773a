import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { jwksKeySource, localKeySource } from './key-source.ts'

const minute = 60_000

/** A set that is served, the time, and the source that reads it. */
function setUp(...kids: string[]) {
  const appContext = { kids, now: 1_800_000_000_000, away: false, fetched: 0 }
  const source = jwksKeySource(
    async () => {
      appContext.fetched += 1
      if (appContext.away) throw new Error('away')
      return { keys: appContext.kids.map((kid) => ({ kty: 'EC', kid })) }
    },
    { now: () => appContext.now },
  )
  return { appContext, source }
}

describe('an unknown key id', () => {
  test('is fetched, though the set was read a moment ago', async () => {
    const { appContext, source } = setUp('one')
    await source.find('one')
    appContext.kids = ['two', 'one']
    expect(await source.find('two')).toMatchObject({ kid: 'two' })
  })

  test('is fetched once in ten seconds, however many a stranger invents', async () => {
    const { appContext, source } = setUp('one')
    await source.find('one')
    for (let turn = 0; turn < 10; turn += 1) expect(await source.find(`invented-${turn}`)).toBeUndefined()
    // At the start, and for the first of the ten.
    expect(appContext.fetched).toBe(2)
    appContext.now += 10_000
    await source.find('invented')
    expect(appContext.fetched).toBe(3)
  })

  test('costs one fetch when many ask at a time', async () => {
    const { appContext, source } = setUp('one')
    await Promise.all(Array.from({ length: 10 }, () => source.find('one')))
    expect(appContext.fetched).toBe(1)
  })
})

test('the set is read before the first token comes, and keys without an id are nobody’s', async () => {
  const { appContext, source } = setUp('one')
  expect(appContext.fetched).toBe(1)
  await expect.poll(() => source.has('one')).toBe(true)
  const nameless = jwksKeySource(async () => ({ keys: [{ kty: 'EC' }] }), { now: () => appContext.now })
  expect(await nameless.find('undefined')).toBeUndefined()
})

describe('a key that is withdrawn', () => {
  test('is gone at most five minutes later, and nobody waited for that while the set was in use', async () => {
    const { appContext, source } = setUp('one', 'two')
    await source.find('one')
    appContext.kids = ['two']
    appContext.now += 4 * minute
    expect(source.has('one')).toBe(true)
    await expect.poll(() => source.has('one')).toBe(false)
    expect(source.has('two')).toBe(true)
    expect(appContext.fetched).toBe(2)
  })

  test('is not trusted by a source that nobody used meanwhile', async () => {
    const { appContext, source } = setUp('one')
    await source.find('one')
    appContext.kids = []
    appContext.now += 5 * minute
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
    const { appContext, source } = setUp('one')
    await source.find('one')
    appContext.away = true
    appContext.now += 4 * minute + 30_000
    for (let turn = 0; turn < 10; turn += 1) expect(source.has('one')).toBe(true)
    await setImmediate()
    appContext.now += 9_999
    expect(source.has('one')).toBe(true)
    expect(appContext.fetched).toBe(2)
    appContext.now += 1
    expect(source.has('one')).toBe(true)
    expect(appContext.fetched).toBe(3)
    appContext.now += 20_000
    expect(source.has('one')).toBe(false)
    await expect(source.find('one')).rejects.toThrow('away')
    appContext.away = false
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
