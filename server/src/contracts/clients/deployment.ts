import type { Deployment } from '../_kit/deployment.ts'

/** One service on port 3001. */
export const deployment: Deployment = {
  units: [{ name: 'clients-service', port: 3001, services: ['identity'], gateway: false }],
  aliases: {
    CLIENTS_JWT_SECRET: ['JWT_SECRET_KEY'],
    GUICHET_SMTP_HOST: ['SMTP_HOST'],
    GUICHET_SMTP_PORT: ['SMTP_PORT'],
    GUICHET_MAIL_FROM: ['MAIL_FROM'],
    GUICHET_APP_URL: ['APP_URL'],
    GUICHET_INSTANCE_ID: ['INSTANCE_ID'],
    GUICHET_DATABASE_POOL: ['DB_POOL'],
    GUICHET_METRICS_TOKEN: ['METRICS_TOKEN'],
  },
  defaults: { instanceId: 'clients-1' },
  database: {
    prefix: 'DATABASE',
    user: 'USERNAME',
    password: 'PASSWORD',
    defaults: { user: 'postgres', password: 'postgres', port: 5_433, name: 'clients_db' },
  },
  demo: {
    accounts: [
      {
        email: 'client@example.com',
        password: 'password123',
        displayName: 'Verified Client',
        emailVerified: true,
        secondFactor: true,
        made: 'by seed',
      },
      {
        email: 'unverified@example.com',
        password: 'password123',
        displayName: 'Unverified Client',
        made: 'by seed',
      },
    ],
  },
}
