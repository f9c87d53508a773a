import { contract } from '../_kit/contract.ts'
import { accountPages } from '../_kit/pages/routes.ts'
import { health, healthRoutes } from './about.ts'
import { accessCookie } from './cookies.ts'
import { deployment } from './deployment.ts'
import { documentation } from './documentation.ts'
import { errors, failure } from './errors.ts'
import { announceProfile } from './events.ts'
import { realm } from './realm.ts'
import { signInRoutes } from './sign-in.ts'
import { usersRoutes } from './users.ts'
import { Failure } from './wire.ts'

/** Of everything but signing in, registering and health. */
const general = [
  { points: 3, seconds: 1 },
  { points: 20, seconds: 60 },
  { points: 100, seconds: 15 * 60 },
] as const

/** A gateway and a user service behind a web application: the contract on ports 3001 and 3002. */
export const portal = contract({
  name: 'portal',
  title: realm.title,
  realm,
  routes: [...signInRoutes, ...usersRoutes, ...accountPages(realm)],
  errors,
  limits: {
    register: { points: 2, seconds: 60 },
    credentials: { points: 5, seconds: 60 },
    mail: { points: 5, seconds: 60 },
    write: general,
    read: general,
    metrics: { points: 60, seconds: 60 },
  },
  bodyLimit: 100 * 1024,
  // A refresh or a logout by cookie comes without a body, with or without a content type.
  bodies: 'empty',
  failure,
  failureSchema: Failure,
  documentation,
  healthRoutes,
  health,
  deployment,
  browser: { accessCookie },
  hosting: { ownHostOnly: true, trailingSlash: true, greeting: 'Hello World!' },
  announceProfile,
})
