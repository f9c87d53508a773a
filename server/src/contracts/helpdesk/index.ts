import type { Contract } from '../_kit/contract.ts'
import { accountPages } from '../_kit/pages/account-routes.ts'
import { aboutRoutes, health } from './about.ts'
import { accountRoutes } from './accounts.ts'
import { errors } from './errors.ts'
import { identityRoutes } from './identity.ts'
import { passwordRoutes } from './passwords.ts'
import { terms } from './terms.ts'
import { verifyRoutes } from './verify.ts'
import { Failure, failure } from './wire.ts'

const routes = [...identityRoutes, ...passwordRoutes, ...verifyRoutes, ...accountRoutes]

const quarter = 15 * 60

/** Sign-in for a help desk's services, which ask it about every token: the contract on port 3001. */
export const helpdesk: Contract = {
  name: 'helpdesk',
  title: 'Helpdesk',
  terms,
  routes: [...routes, ...aboutRoutes(routes), ...accountPages(terms)],
  errors,
  limits: {
    credentials: { points: 5, seconds: quarter },
    mail: { points: 5, seconds: quarter },
    write: { points: 100, seconds: quarter },
    read: { points: 100, seconds: quarter },
    metrics: { points: 60, seconds: 60 },
  },
  bodyLimit: 256 * 1024,
  // A refresh or a logout by cookie comes without a body, with or without a content type.
  bodies: 'empty',
  failure,
  exposedHeaders: ['x-token-expires-soon', 'x-token-expires-in'],
  failureSchema: Failure,
  healthRoutes: [
    { url: '/health', of: 'gateway' },
    { url: '/health', of: 'identity' },
  ],
  health,
  demo: [
    {
      username: 'admin@helpdesk.example',
      email: 'admin@helpdesk.example',
      password: 'Admin123!',
      role: 'admin',
      emailVerified: false,
      made: 'at every start',
    },
    {
      username: 'user@helpdesk.example',
      email: 'user@helpdesk.example',
      password: 'User123!',
      emailVerified: false,
      made: 'at every start',
    },
  ],
}
