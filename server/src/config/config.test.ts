import { describe, expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { planOf, topologies } from './topologies.ts'

const development: Environment = { GUICHET_DEV: 'true' }
const secret = 'a secret of the tests, long enough to be one'
const address = { GUICHET_APP_URL: 'https://app.example.org' }
const load = (env: Environment, ...words: string[]) => loadConfig(env, planOf(words))
const problems = (env: Environment, ...words: string[]): string => {
  try {
    load(env, ...words)
  } catch (error) {
    return String(error)
  }
  return ''
}

describe('the environment', () => {
  test('by default everything listens on 8000, on embedded databases and without Redis or a log file', () => {
    const { listeners, ...config } = load(development)
    expect(listeners).toMatchObject([{ name: 'gateway', port: 8000, host: 'localhost' }])
    expect(config).toMatchObject({
      databaseUrls: undefined,
      redisUrl: undefined,
      smtp: undefined,
      appUrl: undefined,
      logFile: undefined,
      mailFrom: 'noreply@localhost',
      keyRotationDays: 90,
      poolSize: 10,
      unlimited: [],
    })
  })

  test('every problem is reported at once', () => {
    const found = problems({
      LOG_LEVEL: 'loud',
      PORT: 'x',
      GUICHET_TRUSTED_PROXIES: '',
      ORDERS_DATABASE_URL: 'mysql://x',
    })
    for (const name of ['GUICHET_SECRET', 'LOG_LEVEL', 'PORT', 'ORDERS_DATABASE_URL']) expect(found).toContain(name)
  })

  test('development mode is refused in production', () => {
    expect(problems({ ...development, NODE_ENV: 'production' })).toContain('GUICHET_DEV')
  })

  test('outside development secrets are asked for, those between units only where there are several', () => {
    expect(problems({})).toContain('GUICHET_SECRET')
    expect(problems({ GUICHET_SECRET: secret, ...address })).toBe('')
    expect(problems({ GUICHET_SECRET: secret, ...address }, 'shop/auth-service')).toContain('INTERNAL_SERVICE_TOKEN')
    expect(problems({ GUICHET_SECRET: 'short' })).toContain('at least 32')
  })

  test('limits and costs are only loosened in development', () => {
    const production = { GUICHET_SECRET: secret }
    expect(problems({ ...production, GUICHET_LIMITS_SCALE: '10' })).toContain('GUICHET_LIMITS_SCALE')
    expect(problems({ ...production, GUICHET_ARGON2_MEMORY_KIB: '64' })).toContain('GUICHET_ARGON2_MEMORY_KIB')
    expect(load({ ...development, GUICHET_LIMITS_SCALE: '10', GUICHET_ARGON2_MEMORY_KIB: '64' })).toMatchObject({
      limitsScale: 10,
      hashing: { algorithm: 'argon2id', memoryKib: 64 },
    })
  })

  test('PORT is for one listener; several have variables of their own', () => {
    expect(load({ ...development, PORT: '9000' }).listeners[0]?.port).toBe(9000)
    expect(problems({ ...development, PORT: '9000' }, 'shop')).toContain('AUTH_SERVICE_PORT')
    expect(load({ ...development, AUTH_SERVICE_PORT: '9001' }, 'shop').listeners[1]?.port).toBe(9001)
  })

  test("a reference's names count in its own topology only", () => {
    const env = { ...development, JWT_SECRET: secret, AUTH_SERVICE_URL: 'http://auth:1', UPSTREAM_TIMEOUT_MS: '900' }
    expect(load(env, 'shop/api-gateway')).toMatchObject({
      contractSecrets: { shop: secret },
      serviceUrls: { identity: 'http://auth:1' },
      upstreamTimeoutMs: 900,
    })
    const elsewhere = load(env)
    expect(elsewhere.contractSecrets).toEqual({})
    expect(elsewhere.upstreamTimeoutMs).toBe(5_000)
    expect(load({ ...development, SHOP_JWT_SECRET: secret }).contractSecrets).toEqual({ shop: secret })
  })

  test('one database URL asks for those of all services that run here', () => {
    const env = { ...development, IDENTITY_DATABASE_URL: 'postgresql://u:p@h/identity' }
    expect(problems(env)).toMatch(/PROFILES_DATABASE_URL[\s\S]*ORDERS_DATABASE_URL/)
    expect(load(env, 'shop/auth-service').databaseUrls).toMatchObject({ identity: 'postgresql://u:p@h/identity' })
  })

  test('one URL for several services gives each a schema', () => {
    const url = 'postgresql://u:p@h/guichet'
    const env = { ...development, IDENTITY_DATABASE_URL: url, PROFILES_DATABASE_URL: url, ORDERS_DATABASE_URL: url }
    const { databaseUrls } = load(env)
    expect(new URL(databaseUrls?.orders ?? '').searchParams.get('options')).toBe('-c search_path=orders')
  })

  test('a password in a database URL is not repeated in a problem', () => {
    expect(problems({ ...development, IDENTITY_DATABASE_URL: 'mysql://u:hunter2@h/x' })).not.toContain('hunter2')
  })
})

/** As in production, with what every topology asks for. */
const production: Environment = { GUICHET_SECRET: secret, REDIS_URL: 'redis://r:6379/0', ...address }

describe('mail', () => {
  test('is shown in development, and goes to a local server otherwise', () => {
    expect(load({ ...development, GUICHET_MAIL_FROM: 'a@b' })).toMatchObject({ smtp: undefined, mailFrom: 'a@b' })
    expect(load(production).smtp).toEqual({ host: 'localhost', port: 1_025, tls: 'opportunistic' })
  })

  test.each([
    [{ GUICHET_SMTP_HOST: 'mail' }, { host: 'mail', port: 1_025, tls: 'opportunistic' }],
    [{ GUICHET_SMTP_PORT: '587' }, { host: 'localhost', port: 587, tls: 'opportunistic' }],
    [{ GUICHET_SMTP_TLS: 'required' }, { host: 'localhost', port: 1_025, tls: 'required' }],
    [
      { GUICHET_SMTP_USERNAME: 'u', GUICHET_SMTP_PASSWORD: 'p' },
      { host: 'localhost', port: 1_025, username: 'u', password: 'p', tls: 'opportunistic' },
    ],
  ])('with %j of the group set, the others have their defaults', (env, smtp) => {
    expect(load({ ...development, ...env }).smtp).toEqual(smtp)
  })

  test.each([
    { GUICHET_SMTP_PORT: '0' },
    { GUICHET_SMTP_TLS: 'maybe' },
    { GUICHET_SMTP_USERNAME: 'u' },
    { GUICHET_SMTP_PASSWORD: 'hunter2' },
    { GUICHET_MAIL_FROM: 'nobody' },
    { GUICHET_MAIL_FROM: 'a@b\r\nBcc: c@d' },
    { GUICHET_MAIL_FROM: 'A <a@b> <c@d>' },
    { GUICHET_APP_URL: 'example.org' },
    { SHOP_MAIL_FROM: 'nobody' },
    { SHOP_APP_URL: 'example.org' },
  ])('%j is a problem', (env) => {
    const found = problems({ ...development, ...env })
    expect(found).toMatch(/(GUICHET|SHOP)_(SMTP|MAIL|APP)_/)
    expect(found).not.toContain('hunter2')
  })

  test.each(['a@example.org', 'Example <a@example.org>', '<a@example.org>'])('%s is a sender', (from) => {
    expect(load({ ...development, GUICHET_MAIL_FROM: from }).mailFrom).toBe(from)
  })

  const outward = { ...production, GUICHET_SMTP_HOST: 'mail.example.org' }
  test('outside this machine it goes encrypted to a server whose certificate holds', () => {
    expect(load(outward).smtp?.tls).toBe('required')
    expect(load({ ...production, GUICHET_SMTP_HOST: '127.0.0.1' }).smtp?.tls).toBe('opportunistic')
    expect(load({ ...production, GUICHET_SMTP_HOST: '::1', GUICHET_SMTP_TLS: 'none' }).smtp?.tls).toBe('none')
    for (const tls of ['none', 'opportunistic'])
      expect(problems({ ...outward, GUICHET_SMTP_TLS: tls })).toMatch(
        new RegExp(
          `GUICHET_SMTP_TLS=${tls} would let .* mail\\.example\\.org read .*GUICHET_SMTP_ALLOW_CLEARTEXT=true`,
        ),
      )
  })

  test('in clear it goes only where that is allowed by its name, and warned of', () => {
    const allowed = load({ ...outward, GUICHET_SMTP_ALLOW_CLEARTEXT: 'true' })
    expect(allowed.smtp?.tls).toBe('opportunistic')
    expect(allowed.warnings).toEqual([
      expect.stringMatching(/^GUICHET_SMTP_ALLOW_CLEARTEXT=true: .*can read mailed links/),
    ])
    const strict = load({ ...outward, GUICHET_SMTP_ALLOW_CLEARTEXT: 'true', GUICHET_SMTP_TLS: 'required' })
    expect(strict).toMatchObject({ smtp: { tls: 'required' }, warnings: [] })
  })

  describe('outside development', () => {
    const without = { ...production, GUICHET_APP_URL: '' }
    test('the address that links begin with has to be said where links are mailed', () => {
      expect(problems(without)).toContain('GUICHET_APP_URL is missing')
      expect(problems(without, 'clients')).toContain('GUICHET_APP_URL or APP_URL is missing')
      const unit = { ...without, INTERNAL_SERVICE_TOKEN: secret }
      expect(problems(unit, 'identity')).toContain('GUICHET_APP_URL is missing')
      for (const word of ['gateway', 'orders', 'shop/api-gateway']) expect(problems(unit, word)).toBe('')
      expect(problems({ ...without, SHOP_APP_URL: 'https://shop.example.org' }, 'shop')).toBe('')
      expect(problems({ ...without, SHOP_APP_URL: 'https://shop.example.org' })).toContain('GUICHET_APP_URL is missing')
      expect(() => loadConfig(without, planOf(['all']), 'command')).not.toThrow()
    })

    test.each(['http://app.example.org', 'http://0.0.0.0:8000', 'http://10.1.2.3', 'http://localhost.example.org'])(
      '%s is refused, since it is not https',
      (url) => {
        expect(problems({ ...production, GUICHET_APP_URL: url })).toContain('GUICHET_APP_URL must begin with https')
        expect(problems({ ...without, APP_URL: url }, 'clients')).toContain('- APP_URL must begin with https')
        expect(problems({ ...production, SHOP_APP_URL: url })).toContain('SHOP_APP_URL must begin with https')
        expect(problems({ ...development, GUICHET_APP_URL: url })).toBe('')
      },
    )

    test.each(['http://localhost:8000', 'http://shop.localhost', 'http://127.0.0.1:8000', 'http://[::1]:8000'])(
      '%s is this machine',
      (url) => {
        expect(load({ ...production, GUICHET_APP_URL: url }).appUrl).toBe(url)
      },
    )
  })

  test('a contract may have a sender, an address and a product name of its own', () => {
    const env = {
      ...development,
      SHOP_MAIL_FROM: 'Shop <shop@example.org>',
      SHOP_APP_URL: 'https://shop.example.org/',
      CLIENTS_PRODUCT_NAME: 'Acme ID',
    }
    expect(load(env)).toMatchObject({
      realmMail: { shop: { from: 'Shop <shop@example.org>', appUrl: 'https://shop.example.org' } },
      overrides: { clients: { title: 'Acme ID' } },
    })
    expect(problems({ ...development, CLIENTS_PRODUCT_NAME: 'a"b' })).toContain('CLIENTS_PRODUCT_NAME may have')
  })

  test('links lead to a URL without a slash at its end', () => {
    expect(load({ ...development, GUICHET_APP_URL: 'https://app.example.org/' }).appUrl).toBe('https://app.example.org')
  })
})

describe('Redis', () => {
  test('is optional, but outside development for whom counts its limits there', () => {
    for (const { name, deployment } of topologies) {
      const missing = deployment.needsRedis ? 'REDIS_URL is missing' : ''
      expect(problems({ GUICHET_SECRET: secret, ...address }, name)).toContain(missing)
      expect(problems({ GUICHET_SECRET: secret, ...address }, name) === '').toBe(missing === '')
      expect(problems(production, name)).toBe('')
      expect(problems(development, name)).toBe('')
    }
  })

  test('is read everywhere, for one unit and for roles too', () => {
    const env = { ...development, REDIS_URL: 'rediss://:p@r:6380/1' }
    for (const words of [['all'], ['identity'], ['shop/auth-service'], ['clients']])
      expect(load(env, ...words).redisUrl).toBe(env.REDIS_URL)
    expect(problems({ ...development, REDIS_URL: 'localhost:6379' })).toContain('REDIS_URL must be')
  })
})

describe('log file and instance', () => {
  test('the log file is asked for', () => {
    const asked = { GUICHET_LOG_FILE: '/var/log/g.log', GUICHET_LOG_FILE_SIZE: '10240', GUICHET_LOG_FILE_COUNT: '3' }
    expect(load({ ...development, ...asked }).logFile).toEqual({ path: '/var/log/g.log', sizeBytes: 10_240, count: 3 })
    expect(problems({ ...development, GUICHET_LOG_FILE_SIZE: '5', GUICHET_LOG_FILE_COUNT: '0' })).toMatch(
      /GUICHET_LOG_FILE_SIZE[\s\S]*GUICHET_LOG_FILE_COUNT/,
    )
  })

  test.each([
    [['all'], 'gateway-1'],
    [['shop'], 'shop-1'],
    [['shop/auth-service'], 'auth-service-1'],
    [['identity', 'profiles'], 'identity-profiles-1'],
    [['clients'], 'clients-1'],
  ])('the first instance of %j is %s', (words, id) => {
    expect(load(development, ...words).instanceId).toBe(id)
  })

  test('the instance fits a header', () => {
    expect(load({ ...development, GUICHET_INSTANCE_ID: 'pod-7f.x' }).instanceId).toBe('pod-7f.x')
    expect(problems({ ...development, GUICHET_INSTANCE_ID: 'a\nb' })).toContain('GUICHET_INSTANCE_ID')
  })

  test('keys and pools', () => {
    expect(load({ ...development, GUICHET_KEY_ROTATION_DAYS: '0', GUICHET_DATABASE_POOL: '5' })).toMatchObject({
      keyRotationDays: 0,
      poolSize: 5,
    })
    expect(problems({ ...development, GUICHET_KEY_ROTATION_DAYS: '-1', GUICHET_DATABASE_POOL: '0.5' })).toMatch(
      /GUICHET_KEY_ROTATION_DAYS[\s\S]*GUICHET_DATABASE_POOL/,
    )
  })
})

describe("a contract's own realm", () => {
  test('change where its variables say so, and stay otherwise', () => {
    const env = {
      ...development,
      SHOP_ACCESS_TTL: '15m',
      SHOP_REFRESH_TTL: '30d',
      SHOP_LOCKOUT_FAILURES: '7',
      SHOP_LIMIT_CREDENTIALS: '5',
      SHOP_LIMIT_CREDENTIALS_WINDOW: '10s',
    }
    const changed = {
      accessTtl: 900,
      refreshTtl: 2_592_000,
      lockout: { failures: 7 },
      limits: { credentials: { points: 5, seconds: 10 } },
    }
    expect(load(env, 'shop').overrides).toEqual({ shop: changed })
    expect(load(env).overrides.shop).toEqual(changed)
    expect(load(env, 'clients').overrides).toEqual({})
  })

  test('limits are switched off in development only, and for one contract', () => {
    expect(load({ ...development, CLIENTS_LIMITS_ENABLED: 'false' }).unlimited).toEqual(['clients'])
    expect(problems({ ...production, CLIENTS_LIMITS_ENABLED: 'false' }, 'clients')).toContain('CLIENTS_LIMITS_ENABLED')
    expect(load({ ...production, CLIENTS_LIMITS_ENABLED: 'true' }, 'clients').unlimited).toEqual([])
  })
})
