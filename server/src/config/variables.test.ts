import { describe, expect, test } from 'vitest'
import { type LimitClass, limitOf } from '../contracts/_kit/limits.ts'
import { contractNames, contracts } from '../contracts/registry.ts'
import { type Config, loadConfig } from './config.ts'
import { readOverrides, readUnlimited } from './contract-overrides.ts'
import { createReader, type Environment } from './environment.ts'
import { planOf } from './topologies.ts'

const load = (env: Environment) => loadConfig({ GUICHET_DEV: 'true', ...env }, planOf([]))
const text = 'a secret of the tests, long enough to be one'

test.each<[Environment, Partial<Config>]>([
  [{ GUICHET_SECRET: text }, { secret: text }],
  [{ INTERNAL_SERVICE_TOKEN: text }, { internalToken: text }],
  [{ GUICHET_METRICS_TOKEN: text }, { metricsToken: text }],
  [
    { INTERNAL_SERVICE_TOKEN: text, GUICHET_METRICS_TOKEN: `${text}m` },
    { internalToken: text, metricsToken: `${text}m` },
  ],
  [{ LOG_LEVEL: 'warn' }, { logLevel: 'warn' }],
  [{ GUICHET_LOG_FORMAT: 'text' }, { logFormat: 'text' }],
  [{ GUICHET_DATA_DIR: '/data' }, { dataDir: '/data', avatars: { directory: '/data/avatars' } }],
  [{ GUICHET_SERVICE_NAME: 'g' }, { serviceName: 'g' }],
  [{ GUICHET_LIMITS_SCALE: '2.5' }, { limitsScale: 2.5 }],
  [{ GUICHET_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }, { trustedProxies: ['10.0.0.0/8', '::1'] }],
  [{ GUICHET_CORS_ORIGINS: 'https://a.example' }, { corsOrigins: ['https://a.example'] }],
  [{ GUICHET_UPSTREAM_TIMEOUT_MS: '50' }, { upstreamTimeoutMs: 50 }],
  [{ GUICHET_REVOCATION_STALENESS_MS: '3000' }, { revocationStalenessMs: 3_000 }],
  [{ GUICHET_KEY_ROTATION_DAYS: '7' }, { keyRotationDays: 7 }],
  [{ GUICHET_MAIL_FROM: 'a@b' }, { mailFrom: 'a@b' }],
  [{ GUICHET_APP_URL: 'https://a.example' }, { appUrl: 'https://a.example' }],
  [{ REDIS_URL: 'redis://r' }, { redisUrl: 'redis://r' }],
  [{ GUICHET_UPLOAD_MAX_BYTES: '1k' }, { uploadMaxBytes: 1_024 }],
  [{ GUICHET_DATABASE_POOL: '3' }, { poolSize: 3 }],
  [
    { GUICHET_PASSWORD_ALGORITHM: 'pbkdf2-sha256', GUICHET_PBKDF2_ROUNDS: '9' },
    { hashing: { algorithm: 'pbkdf2-sha256', rounds: 9 } },
  ],
  [
    { GUICHET_ARGON2_MEMORY_KIB: '64', GUICHET_ARGON2_PASSES: '5' },
    { hashing: { algorithm: 'argon2id', memoryKib: 64, passes: 5 } },
  ],
  ...(['identity', 'profiles', 'orders'] as const).map((service): [Environment, Partial<Config>] => [
    { [`GUICHET_${service.toUpperCase()}_URL`]: 'http://there:9/' },
    { serviceUrls: { ...load({}).serviceUrls, [service]: 'http://there:9' } },
  ]),
  ...contractNames.flatMap((name): [Environment, Partial<Config>][] => [
    [{ [`${name.toUpperCase()}_JWT_SECRET`]: text }, { contractSecrets: { [name]: text } }],
    [{ [`${name.toUpperCase()}_ADMIN_PASSWORD`]: 'p' }, { adminPasswords: { [name]: 'p' } }],
    [{ [`${name.toUpperCase()}_LIMITS_ENABLED`]: 'false' }, { unlimited: [name] }],
    [{ [`${name.toUpperCase()}_MAIL_FROM`]: 'a@b' }, { realmMail: { [name]: { from: 'a@b', appUrl: undefined } } }],
  ]),
])('%j changes that and nothing else', (env, gives) => {
  expect(load(env)).toEqual({ ...load({}), ...gives })
})

describe.each(contractNames)('what %s is given differently', (name) => {
  const prefix = name.toUpperCase()
  const read = (env: Environment) => {
    const reader = createReader(env, {})
    const { firstBecomesAdministrator: _, refuseResembling: __, ...given } = readOverrides(reader, name, false) ?? {}
    return { ...given, problems: reader.problems.length }
  }
  const classes = ['credentials', 'mail', 'write', 'read', 'metrics', 'register', 'upload', 'download'] as const

  test.each(classes satisfies readonly LimitClass[])('the limit %s', (limit) => {
    const variable = `${prefix}_LIMIT_${limit.toUpperCase()}`
    const [usual] = [limitOf(contracts[name].limits, limit)].flat()
    const given = (windows: unknown, problems = 0) => ({ limits: { [limit]: windows }, problems })
    expect(read({ [variable]: '7' })).toEqual(given({ ...usual, points: 7 }))
    expect(read({ [`${variable}_WINDOW`]: '2m' })).toEqual(given({ ...usual, seconds: 120 }))
    const windows = [
      { points: 3, seconds: 1 },
      { points: 20, seconds: 60 },
    ]
    expect(read({ [variable]: '3/1s, 20/1m' })).toEqual(given(windows))
    expect(read({ [variable]: '1000000/1d' })).toEqual(given([{ points: 1_000_000, seconds: 86_400 }]))
    for (const refused of ['0', '1000001', '1000001/1s', '1/86401s', '0/1s', '1/0s'])
      expect(read({ [variable]: refused }).problems, refused).toBe(1)
  })

  test('whether accounts of other realms join it by signing in', () => {
    expect(read({ [`${prefix}_JOINING`]: 'closed' })).toEqual({ joining: 'closed', problems: 0 })
    expect(read({ [`${prefix}_JOINING`]: 'ajar' }).problems).toBe(1)
  })

  test('passwords that resemble common ones are refused outside development alone', () => {
    const given = (development: boolean) => readOverrides(createReader({}, {}), name, development)?.refuseResembling
    expect([given(false), given(true)]).toEqual([true, undefined])
  })

  test.each([
    ['ACCESS_TTL', 1, 2_592_000, (value: number) => ({ accessTtl: value })],
    ['REFRESH_TTL', 1, 34_560_000, (value: number) => ({ refreshTtl: value })],
    ['SESSION_MAX', 60, 34_560_000, (value: number) => ({ sessionMax: value })],
    ['LOCKOUT_TIME', 30, 2_592_000, (value: number) => ({ lockout: { seconds: value } })],
    ['LOCKOUT_FAILURES', 1, 1_000, (value: number) => ({ lockout: { failures: value } })],
  ] as const)('%s, from %i to %i', (variable, least, most, gives) => {
    const given = (value: number) => read({ [`${prefix}_${variable}`]: String(value) })
    for (const value of [least, most]) expect(given(value)).toEqual({ ...gives(value), problems: 0 })
    for (const value of [least - 1, most + 1]) expect(given(value).problems, String(value)).toBe(1)
  })

  test.each([
    [undefined, false, [false, 0]],
    ['true', false, [false, 0]],
    ['false', true, [true, 0]],
    ['false', false, [true, 1]],
  ])('its limits are enabled: %s, in development: %s', (value, development, expected) => {
    const reader = createReader({ [`${prefix}_LIMITS_ENABLED`]: value }, {})
    expect([readUnlimited(reader, name, development), reader.problems.length]).toEqual(expected)
  })
})
