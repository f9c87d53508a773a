import type { Deployment } from '../_kit/deployment.ts'

/** One service on port 5000. */
export const deployment: Deployment = {
  units: [{ name: 'user-service', port: 5000, services: ['identity'], gateway: false }],
  aliases: {
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
  defaults: { logFile: 'logs/user_service.log' },
  needsRedis: true,
  // The reference's rule that whoever comes first rules is a gift to strangers: outside development it must be asked for.
  firstUserMayAdminister: true,
}
