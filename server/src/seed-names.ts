/**
 * The names that a seed gave to variables of ours, by topology: they count in that topology and its units only. The
 * first name that is set wins.
 */
export const aliases: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  shop: {
    SHOP_JWT_SECRET: ['JWT_SECRET'],
    SHOP_ADMIN_PASSWORD: ['ADMIN_PASSWORD'],
    GUICHET_UPSTREAM_TIMEOUT_MS: ['UPSTREAM_TIMEOUT_MS'],
    GUICHET_PASSWORD_ALGORITHM: ['PASSWORD_ALGORITHM'],
    GUICHET_IDENTITY_URL: ['AUTH_SERVICE_URL'],
    GUICHET_PROFILES_URL: ['USER_SERVICE_URL'],
    GUICHET_ORDERS_URL: ['ORDERS_SERVICE_URL'],
    GUICHET_CORS_ORIGINS: ['CORS_ORIGIN'],
  },
  clients: {
    CLIENTS_JWT_SECRET: ['JWT_SECRET_KEY'],
    GUICHET_SMTP_HOST: ['SMTP_HOST'],
    GUICHET_SMTP_PORT: ['SMTP_PORT'],
    GUICHET_MAIL_FROM: ['MAIL_FROM'],
    GUICHET_APP_URL: ['APP_URL'],
    GUICHET_INSTANCE_ID: ['INSTANCE_ID'],
    GUICHET_DATABASE_POOL: ['DB_POOL'],
    GUICHET_METRICS_TOKEN: ['METRICS_TOKEN'],
  },
  helpdesk: {
    IDENTITY_DATABASE_URL: ['DATABASE_URL'],
    HELPDESK_JWT_SECRET: ['JWT_SECRET'],
    HELPDESK_ACCESS_TTL: ['JWT_EXPIRES_IN'],
    HELPDESK_REFRESH_TTL: ['REFRESH_TOKEN_EXPIRES_IN'],
    HELPDESK_LOCKOUT_FAILURES: ['MAX_LOGIN_ATTEMPTS'],
    HELPDESK_LOCKOUT_TIME: ['LOCK_TIME'],
    HELPDESK_LIMIT_CREDENTIALS: ['AUTH_RATE_LIMIT_MAX'],
    HELPDESK_LIMIT_CREDENTIALS_WINDOW: ['AUTH_RATE_LIMIT_WINDOW_MS'],
    HELPDESK_LIMIT_MAIL: ['AUTH_RATE_LIMIT_MAX'],
    HELPDESK_LIMIT_MAIL_WINDOW: ['AUTH_RATE_LIMIT_WINDOW_MS'],
    PROFILES_DATABASE_URL: ['DATABASE_URL'],
    HELPDESK_LIMIT_WRITE: ['RATE_LIMIT_MAX_REQUESTS', 'RATE_LIMIT_MAX'],
    HELPDESK_LIMIT_WRITE_WINDOW: ['RATE_LIMIT_WINDOW_MS', 'RATE_LIMIT_WINDOW'],
    HELPDESK_LIMIT_READ: ['RATE_LIMIT_MAX_REQUESTS', 'RATE_LIMIT_MAX'],
    HELPDESK_LIMIT_READ_WINDOW: ['RATE_LIMIT_WINDOW_MS', 'RATE_LIMIT_WINDOW'],
    GUICHET_DATABASE_POOL: ['DB_POOL_MAX'],
    GUICHET_UPLOAD_MAX_BYTES: ['UPLOAD_MAX_SIZE'],
    GUICHET_IDENTITY_URL: ['AUTH_SERVICE_URL'],
    GUICHET_PROFILES_URL: ['USER_SERVICE_URL'],
    GUICHET_UPSTREAM_TIMEOUT_MS: ['AUTH_SERVICE_TIMEOUT', 'USER_SERVICE_TIMEOUT'],
    // The seed's compose file sets one, its code reads the other.
    GUICHET_CORS_ORIGINS: ['CORS_ORIGIN', 'CORS_ORIGINS'],
  },
  portal: {
    PORTAL_JWT_SECRET: ['JWT_SECRET'],
    GUICHET_IDENTITY_URL: ['USER_SERVICE_URL'],
    GUICHET_PROFILES_URL: ['USER_SERVICE_URL'],
    GUICHET_UPSTREAM_TIMEOUT_MS: ['PROXY_TIMEOUT_MS'],
    GUICHET_SERVICE_NAME: ['SERVICE_NAME'],
  },
  tenants: {
    IDENTITY_DATABASE_URL: ['DATABASE_URL'],
    GUICHET_SECRET: ['SECRET_KEY'],
    TENANTS_JWT_SECRET: ['JWT_SECRET_KEY'],
    TENANTS_ACCESS_TTL: ['JWT_ACCESS_TOKEN_EXPIRES'],
    TENANTS_REFRESH_TTL: ['JWT_REFRESH_TOKEN_EXPIRES'],
    TENANTS_LIMITS_ENABLED: ['RATELIMIT_ENABLED'],
    GUICHET_SMTP_HOST: ['MAIL_SERVER'],
    GUICHET_SMTP_PORT: ['MAIL_PORT'],
    GUICHET_SMTP_USERNAME: ['MAIL_USERNAME'],
    GUICHET_SMTP_PASSWORD: ['MAIL_PASSWORD'],
    GUICHET_MAIL_FROM: ['MAIL_DEFAULT_SENDER'],
    GUICHET_APP_URL: ['APP_URL'],
    GUICHET_CORS_ORIGINS: ['CORS_ORIGINS'],
  },
}

/** The seeds' times whose bare numbers are milliseconds; everywhere else they are seconds. */
export const inMilliseconds: ReadonlySet<string> = new Set([
  'LOCK_TIME',
  'RATE_LIMIT_WINDOW_MS',
  'RATE_LIMIT_WINDOW',
  'AUTH_RATE_LIMIT_WINDOW_MS',
])

interface SeedDefaults {
  instanceId?: string
  /** With `<unit>` for what runs: the unit, or the whole topology. */
  logFile?: string
  upstreamTimeoutMs?: number
  corsOrigins?: readonly string[]
}

/** The seeds' defaults, where ours is another one. */
export const seedDefaults: Readonly<Record<string, SeedDefaults>> = {
  clients: { instanceId: 'clients-1' },
  helpdesk: { logFile: 'logs/<unit>.log' },
  portal: { upstreamTimeoutMs: 30_000, corsOrigins: ['http://localhost:3000', 'http://localhost:5174'] },
  tenants: { logFile: 'logs/user_service.log' },
}

/** Names of a seed that mean nothing here, with the reason. */
export const withoutEffect: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { DB_PATH: 'it names an SQLite file, and the services keep their data in PostgreSQL' },
  helpdesk: {
    BCRYPT_ROUNDS: 'passwords are hashed with argon2id; GUICHET_ARGON2_* set its cost',
    REDIS_PROFILE_TTL: 'profiles are read from the database, so that a change shows at once',
    REDIS_USER_LIST_TTL: 'lists are read from the database, so that a change shows at once',
    DB_POOL_MIN: 'connections are opened when they are needed',
    DB_IDLE_TIMEOUT: 'the pool has a time of its own',
    DB_CONNECT_TIMEOUT: 'the pool has a time of its own',
  },
}
