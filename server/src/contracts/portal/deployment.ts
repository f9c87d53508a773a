import type { Deployment } from '../_kit/deployment.ts'
import { deliveryHeader } from './cookies.ts'

/** A gateway on port 3001 before a user service on port 3002. */
export const deployment: Deployment = {
  units: [
    { name: 'rncp-api-gateway', port: 3001, services: [], gateway: true },
    { name: 'rncp-user-service', port: 3002, services: ['identity', 'profiles'], gateway: false },
  ],
  aliases: {
    PORTAL_JWT_SECRET: ['JWT_SECRET'],
    GUICHET_IDENTITY_URL: ['USER_SERVICE_URL'],
    GUICHET_PROFILES_URL: ['USER_SERVICE_URL'],
    GUICHET_UPSTREAM_TIMEOUT_MS: ['PROXY_TIMEOUT_MS'],
    GUICHET_SERVICE_NAME: ['SERVICE_NAME'],
  },
  defaults: { upstreamTimeoutMs: 30_000, corsOrigins: ['http://localhost:3000', 'http://localhost:5174'] },
  database: {
    prefix: 'DB',
    user: 'USER',
    password: 'PASSWORD',
    defaults: { user: 'rncp_user', port: 5_432, name: 'rncp_db' },
  },
  // The reference names one origin beside those that it has anyway.
  furtherOrigins: 'FRONTEND_URL',
  forwardedHeaders: [deliveryHeader],
  // Users first: in a database of the portal's own they have the ids 1 and 2.
  demo: {
    accounts: [
      {
        email: 'ada@portal.example',
        password: 'Ada-portal-123!',
        displayName: 'Ada',
        made: 'at every start',
      },
      {
        email: 'grace@portal.example',
        password: 'Grace-portal-123!',
        displayName: 'Grace',
        made: 'at every start',
      },
      {
        email: 'admin@portal.example',
        password: 'Admin-portal-123!',
        displayName: 'Administrator',
        role: 'admin',
        made: 'at every start',
      },
    ],
  },
}
