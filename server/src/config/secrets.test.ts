import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import { weaknessOf } from './secrets.ts'
import { planOf } from './topologies.ts'

test.each([
  ['a'.repeat(32), 'must have at least 8 different characters; it has 1'],
  ['abcdefg'.repeat(9), 'must have at least 8 different characters; it has 7'],
  ['abcdefgh'.repeat(4), 'must not be one text over and over'],
  ['0123456789abcde0123456789abcde01', 'must not be one text over and over'],
  [randomBytes(23).toString('base64').slice(0, 31), 'must have at least 32 characters; it has 31'],
])('%s %s', (secret, weakness) => {
  expect(weaknessOf(secret)).toBe(weakness)
})

test.each(['hex', 'base64', 'base64url'] as const)('24 random bytes as %s are a secret', (encoding) => {
  for (let turn = 0; turn < 1_000; turn += 1) expect(weaknessOf(randomBytes(24).toString(encoding))).toBeUndefined()
})

const good = 'a secret of the tests, long enough to be one'
const guessed = 'a'.repeat(40)
const required = { GUICHET_SECRET: good, INTERNAL_SERVICE_TOKEN: good, GUICHET_APP_URL: 'https://app.example.org' }

test.each([
  ['GUICHET_SECRET', 'all'],
  ['INTERNAL_SERVICE_TOKEN', 'all'],
  ['GUICHET_METRICS_TOKEN', 'all'],
  ['SHOP_JWT_SECRET', 'all'],
  ['JWT_SECRET', 'shop'],
  ['SECRET_KEY', 'tenants'],
])('%s that can be guessed is refused by that name, and warned of in development', (name, topology) => {
  const plan = planOf([topology])
  const env = {
    ...required,
    REDIS_URL: 'redis://r',
    ...(name === 'SECRET_KEY' && { GUICHET_SECRET: '' }),
    [name]: guessed,
  }
  expect(() => loadConfig(env, plan)).toThrow(`- ${name} must have at least 8 different characters; it has 1.`)
  expect(loadConfig({ ...env, GUICHET_DEV: 'true' }, plan).warnings).toEqual([
    expect.stringMatching(`^${name} must have`),
  ])
})
