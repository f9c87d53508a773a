import { expect, test } from 'vitest'
import { redisFallback } from './fallback.ts'

/** A Redis of which the test says when, and what, it answers. */
function setUp() {
  let now = 1_000_000
  const pings: PromiseWithResolvers<void>[] = []
  const ping = () => {
    const one = Promise.withResolvers<void>()
    pings.push(one)
    return one.promise
  }
  const ask = redisFallback({ ping }, { now: () => now })
  let asked = 0
  const read = (answer: () => Promise<string> = async () => 'Redis') =>
    ask(
      () => {
        asked += 1
        return answer()
      },
      () => 'instead',
    )
  const fail = () => read(() => Promise.reject(new Error('away')))
  return {
    read,
    fail,
    pings,
    asked: () => asked,
    pass: (ms: number) => {
      now += ms
    },
    /** Lets what was answered be heard. */
    settle: () => new Promise(setImmediate),
  }
}

test('while it answers, its answer counts, undefined as well', async () => {
  const { read, pings } = setUp()
  expect(await read()).toBe('Redis')
  expect(await read(async () => undefined as unknown as string)).toBeUndefined()
  expect(pings).toHaveLength(0)
})

test('whoever meets the first failure gets the alternative, and until the rest is over Redis is not asked', async () => {
  const { read, fail, pings, asked, pass } = setUp()
  expect(await fail()).toBe('instead')
  pass(999)
  expect(await read()).toBe('instead')
  expect([asked(), pings.length]).toEqual([1, 0])
})

test('after the rest one ping tries, nobody waits for it, and once it is answered Redis is asked again', async () => {
  const { read, fail, pings, asked, pass, settle } = setUp()
  await fail()
  pass(1_000)
  expect(await Promise.all([read(), read()])).toEqual(['instead', 'instead'])
  expect([asked(), pings.length]).toEqual([1, 1])
  pings[0]!.resolve()
  await settle()
  expect(await read()).toBe('Redis')
})

test('a ping that fails begins another rest', async () => {
  const { read, fail, pings, pass, settle } = setUp()
  await fail()
  pass(1_000)
  await read()
  pings[0]!.reject(new Error('away'))
  await settle()
  pass(999)
  expect(await read()).toBe('instead')
  expect(pings).toHaveLength(1)
  pass(1)
  await read()
  expect(pings).toHaveLength(2)
})

test('a second failure, after it came back, is met like the first', async () => {
  const { read, fail, pings, asked, pass, settle } = setUp()
  await fail()
  pass(1_000)
  await read()
  pings[0]!.resolve()
  await settle()
  expect(await fail()).toBe('instead')
  const before = asked()
  pass(999)
  expect(await read()).toBe('instead')
  expect([asked(), pings.length]).toEqual([before, 1])
  pass(1)
  await read()
  expect(pings).toHaveLength(2)
})

test('the first failure sends away all who wait, and their own late failures prolong nothing', async () => {
  const { read, pings, pass, settle } = setUp()
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const answers = [read(() => first.promise), read(() => second.promise)]
  first.reject(new Error('away'))
  expect(await Promise.all(answers)).toEqual(['instead', 'instead'])
  pass(600)
  second.reject(new Error('away'))
  await settle()
  pass(400)
  await read()
  expect(pings).toHaveLength(1)
})
