import { describe, expect, test } from 'vitest'
import type { PasswordRule } from '../../realm/index.ts'
import { longestPassword } from '../limits.ts'
import { checkPassword, strictest } from './rules.ts'

const codes = async (password: string, rule: PasswordRule, own: readonly string[] = []) =>
  (await checkPassword(password, rule, own)).map((problem) => problem.replace('identity.password_', ''))

test.each<[string, PasswordRule, readonly string[]]>([
  ['User123!', { minLength: 8, kinds: 4 }, []],
  ['User123!', { minLength: 8, kinds: 3 }, []],
  ['User123!', { minLength: 8, kinds: 3, refuseCommon: true }, []],
  ['user123!', { minLength: 8, kinds: 4 }, ['too_simple']],
  ['Us3!', { minLength: 8, kinds: 4 }, ['too_short']],
  ['us3', { minLength: 8, kinds: 4 }, ['too_short', 'too_simple']],
  ['', { minLength: 8 }, ['too_short']],
  ['12345678', { minLength: 8 }, []],
  // In any script: upper, lower and digit are not Latin only, a letter without case is other.
  ['ÉcoleÜ٣٤', { minLength: 8, kinds: 3 }, []],
  ['ключКЛЮЧ', { minLength: 8, kinds: 2 }, []],
  ['日本語日本語日本', { minLength: 8, kinds: 1 }, []],
  ['日本語日本語日本', { minLength: 8, kinds: 2 }, ['too_simple']],
  // Eight UTF-16 units, but four characters.
  ['🦊🦊🦊🦊', { minLength: 8 }, ['too_short']],
  ['x'.repeat(longestPassword), { minLength: 8 }, []],
  ['x'.repeat(longestPassword + 1), { minLength: 8, kinds: 4, refuseCommon: true, minScore: 4 }, ['too_long']],
])('%s by %j', async (password, rule, expected) => {
  expect(await codes(password, rule)).toEqual(expected)
})

test.each(['password', 'PassWord', 'P@ssw0rd', 'azerty123', 'MotDePasse'])('%s is common', async (password) => {
  expect(await codes(password, { minLength: 8, refuseCommon: true })).toEqual(['too_common'])
})

describe('what resembles a common password or the person', () => {
  const own = ['grace.zorglubikowski@example.org', 'zorglubi', 'Grace Zorglubikowski', 'Quokkaworks']
  const refused = (password: string, rule: Partial<PasswordRule>) => codes(password, { minLength: 8, ...rule }, own)

  test.each([
    'Password123!',
    'Azerty123456!',
    '!!Password!!',
    '2026-Password',
    'ZorglubiKowski99',
    'Zorglubi2026!',
    '!Quokkaworks7',
    'grace.zorglubikowski@example.org',
    'Grace.Zorglubikowski@Example.org12',
  ])('%s is refused where that is wanted, and not where only common ones are', async (password) => {
    expect(await refused(password, { refuseResembling: true })).toEqual(['too_common'])
    expect(await refused(password, { refuseResembling: true, refuseCommon: true })).toEqual(['too_common'])
    expect(await refused(password, { refuseCommon: true })).toEqual([])
    expect(await refused(password, {})).toEqual([])
  })

  test.each(['password', 'P@ssw0rd'])('%s is common, and refused by either', async (password) => {
    expect(await refused(password, { refuseResembling: true })).toEqual(['too_common'])
    expect(await refused(password, { refuseCommon: true })).toEqual(['too_common'])
  })

  test.each([
    'correct horse battery staple',
    'User Manual 77 for owls',
    'pass123word',
    '8 zorglubis dance',
    '1234 5678 9012 !?',
  ])('%s is fine: something else is in it', async (password) => {
    expect(await refused(password, { refuseResembling: true })).toEqual([])
  })

  test('is nobody else’s: a name that is not the person’s is none', async () => {
    expect(await codes('Zorglubi2026!', { minLength: 8, refuseResembling: true }, ['Ada'])).toEqual([])
  })
})

describe('score', () => {
  const scored = (minScore: number): PasswordRule => ({ minLength: 1, minScore })

  test.each([
    'bonjour',
    'maisonrouge',
    'Chocolat1',
    'Chouette2',
    'elizabeth1',
    '0123456789',
    'azertyuiop',
    'aaaaaaaaaaaa',
  ])('%s is weak: words of both languages, keys in a row, repetitions', async (password) => {
    expect(await codes(password, scored(3))).toEqual(['too_weak'])
  })

  test.each(['xK9$vQ2!mZ7p', 'correct horse battery staple', 'fenouil tracteur oblique nuage'])(
    '%s is strong',
    async (password) => {
      expect(await codes(password, scored(4))).toEqual([])
    },
  )

  test('a password made of what is known of the person is weaker than for anybody else', async () => {
    const password = 'zorglubikowski99'
    expect(await codes(password, scored(3))).toEqual([])
    expect(await codes(password, scored(3), ['ada.zorglubikowski@example.org', 'Ada'])).toEqual(['too_weak'])
  })

  test.each(['constructor', '__proto__', 'hasOwnProperty', '\u0000\u0000\ud800', '𝕡𝕒𝕤𝕤'])(
    '%j is judged as well',
    async (password) => {
      expect(await codes(password, scored(4), [password])).toEqual(['too_weak'])
    },
  )

  test('is taken in a thread of its own: nothing else waits, and a burst is bounded', async () => {
    const long = Array.from({ length: 16 }, (_, index) => '4@$3!1|0aZ'[(index * 7) % 10]).join('')
    const began = { here: process.threadCpuUsage(), everywhere: process.cpuUsage() }
    const burst = Array.from({ length: 80 }, () => checkPassword(long, scored(4), []))
    const results = await Promise.allSettled(burst)
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(80 - 64)
    expect(refused[0]).toMatchObject({ reason: { code: 'identity.busy' } })
    const here = process.threadCpuUsage(began.here).user
    const everywhere = process.cpuUsage(began.everywhere).user
    expect(everywhere, 'microseconds that sixty-four scores take').toBeGreaterThan(100_000)
    expect(here, 'microseconds of them on this thread').toBeLessThan(everywhere / 4)
  })
})

test('a tenant makes a rule stricter, never looser', () => {
  const rule: PasswordRule = { minLength: 8, minScore: 2 }
  expect(strictest(rule, {})).toEqual(rule)
  expect(strictest(rule, undefined)).toEqual(rule)
  expect(strictest(rule, { minPasswordScore: 1 })).toEqual(rule)
  expect(strictest(rule, { minPasswordScore: 3 })).toEqual({ minLength: 8, minScore: 3 })
  expect(strictest({ minLength: 8 }, { minPasswordScore: 9 })).toEqual({ minLength: 8, minScore: 4 })
})
