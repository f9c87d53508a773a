import { describe, expect, test } from 'vitest'
import { createReader, type Environment, ignoredVariables } from './environment.ts'

const reading = (env: Environment, names = {}) => createReader(env, names)

describe('a time', () => {
  const range = { min: 1, max: 86_400 * 30 }
  test.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['1.5h', 5_400],
    ['7d', 604_800],
    ['1500ms', 2],
  ])('%s is %i seconds', (value, seconds) => {
    expect(reading({ X: value }).duration('X', range)).toBe(seconds)
  })

  test('without a unit it is in milliseconds where the reference counts so', () => {
    const names = { aliases: { GUICHET_X: ['LOCK_TIME'] }, inMilliseconds: ['LOCK_TIME'] }
    const of = (env: Environment) => reading(env, names).duration('GUICHET_X', range)
    expect(of({ LOCK_TIME: '900000' })).toBe(900)
    expect(of({ LOCK_TIME: '15m' })).toBe(900)
    expect(of({ GUICHET_X: '900' })).toBe(900)
  })

  test.each(['', ' '])('%j is none', (value) => {
    const read = reading({ X: value })
    expect(read.duration('X', range)).toBeUndefined()
    expect(read.problems).toEqual([])
  })

  test.each(['0', '31d', '-5', '5 minutes', '1e3', 'm', 'Infinity'])('%s is a problem', (value) => {
    const read = reading({ X: value })
    read.duration('X', range)
    expect(read.problems).toEqual([expect.stringContaining('X must be a time like')])
  })
})

describe('a size', () => {
  const range = { fallback: 7, min: 1_024, max: 1_024 ** 3 }
  test.each([
    ['2048', 2_048],
    ['2k', 2_048],
    ['10m', 10_485_760],
    ['1G', 1_024 ** 3],
    ['', 7],
  ])('%j is %i bytes', (value, bytes) => {
    expect(reading({ X: value }).bytes('X', range)).toBe(bytes)
  })

  test.each(['1', '2g', '10mb', '1.5m', 'much'])('%s is a problem', (value) => {
    const read = reading({ X: value })
    read.bytes('X', range)
    expect(read.problems).toEqual([expect.stringContaining('X must be a size like')])
  })
})

test('our name wins over the reference’s, the first of two over the second', () => {
  const names = { aliases: { GUICHET_CORS_ORIGINS: ['CORS_ORIGIN', 'CORS_ORIGINS'] } }
  const env = { GUICHET_CORS_ORIGINS: 'http://a', CORS_ORIGIN: 'http://b', CORS_ORIGINS: 'http://c' }
  expect(reading(env, names).list('GUICHET_CORS_ORIGINS')).toEqual(['http://a'])
  expect(reading({ ...env, GUICHET_CORS_ORIGINS: '' }, names).list('GUICHET_CORS_ORIGINS')).toEqual(['http://b'])
  expect(reading({ CORS_ORIGINS: 'http://c' }, names).list('GUICHET_CORS_ORIGINS')).toEqual(['http://c'])
})

test('a problem names the variable that was set, and what may hold a password is not repeated', () => {
  const read = reading(
    { DATABASE_URL: 'mysql://u:hunter2@h/x', REDIS_URL: 'http://:hunter2@h', APP_URL: 'ftp://u:hunter2@h' },
    { aliases: { IDENTITY_DATABASE_URL: ['DATABASE_URL'], GUICHET_APP_URL: ['APP_URL'] } },
  )
  read.databaseUrl('IDENTITY_DATABASE_URL')
  read.redisUrl('REDIS_URL')
  read.url('GUICHET_APP_URL')
  expect(read.problems.map((problem) => problem.split(' ')[0])).toEqual(['DATABASE_URL', 'REDIS_URL', 'APP_URL'])
  expect(read.problems.join()).not.toContain('hunter2')
})

test('what has no effect is said where the reference has it', () => {
  const deployment = { units: [], ignored: { BCRYPT_ROUNDS: 'there is no bcrypt' } }
  expect(ignoredVariables({ BCRYPT_ROUNDS: '12' }, deployment)).toEqual([
    'BCRYPT_ROUNDS has no effect: there is no bcrypt.',
  ])
  expect(ignoredVariables({ BCRYPT_ROUNDS: '' }, deployment)).toEqual([])
  expect(ignoredVariables({ BCRYPT_ROUNDS: '12' }, { units: [] })).toEqual([])
})
