import type { Deployment } from '../_kit/deployment.ts'
import { openIntrospection } from './introspection.ts'

/** Sign-in on port 3001; the profiles on port 3002, which ask it about every token. */
export const deployment: Deployment = {
  units: [
    { name: 'auth-service', port: 3001, services: ['identity'], gateway: false },
    { name: 'user-service', port: 3002, services: ['profiles'], gateway: false },
  ],
  aliases: {
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
    // The reference's compose file sets one, its code reads the other.
    GUICHET_CORS_ORIGINS: ['CORS_ORIGIN', 'CORS_ORIGINS'],
  },
  inMilliseconds: ['LOCK_TIME', 'RATE_LIMIT_WINDOW_MS', 'RATE_LIMIT_WINDOW', 'AUTH_RATE_LIMIT_WINDOW_MS'],
  ignored: {
    BCRYPT_ROUNDS: 'passwords are hashed with argon2id; GUICHET_ARGON2_* set its cost',
    REDIS_PROFILE_TTL: 'a change drops what is cached of a profile, so that it shows at once',
    REDIS_USER_LIST_TTL: 'lists are read from the database, so that a change shows at once',
    DB_POOL_MIN: 'connections are opened when they are needed',
    DB_IDLE_TIMEOUT: 'the pool has a time of its own',
    DB_CONNECT_TIMEOUT: 'the pool has a time of its own',
  },
  defaults: { logFile: 'logs/<unit>.log' },
  introspection: { open: openIntrospection, cachePrefix: 'user-service:token:' },
  demo: {
    accounts: [
      {
        email: 'admin@helpdesk.example',
        password: 'Admin123!',
        role: 'admin',
        made: 'at every start',
      },
      {
        email: 'user@helpdesk.example',
        password: 'User123!',
        made: 'at every start',
      },
    ],
  },
}
