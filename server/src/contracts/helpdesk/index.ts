import { contract } from '../_kit/contract.ts'
import { accountPages } from '../_kit/pages/routes.ts'
import { aboutRoutes, health } from './about.ts'
import { accountRoutes } from './accounts.ts'
import { activityRoutes } from './activities.ts'
import { administratedRoutes } from './admin.ts'
import { avatarRoutes } from './avatars.ts'
import { deployment } from './deployment.ts'
import { documentation } from './documentation.ts'
import { errors } from './errors.ts'
import { announceProfile } from './events.ts'
import { identityRoutes } from './identity.ts'
import { internalRoutes } from './internal.ts'
import { passwordRoutes } from './passwords.ts'
import { profileRoutes } from './profile.ts'
import { realm } from './realm.ts'
import { userStatisticsRoutes } from './statistics.ts'
import { userListRoutes } from './users.ts'
import { verifyRoutes } from './verify.ts'
import { Failure, failure } from './wire.ts'

const authRoutes = [...identityRoutes, ...passwordRoutes, ...verifyRoutes, ...accountRoutes]

/** Literal paths before those with an id. */
const userRoutes = [
  ...profileRoutes,
  ...avatarRoutes,
  ...activityRoutes,
  ...userListRoutes,
  ...userStatisticsRoutes,
  ...administratedRoutes,
  ...internalRoutes,
]

const quarter = 15 * 60

/**
 * Sign-in for a help desk's services, which ask it about every token, on port 3001, and the profiles of its people, on port 3002.
 */
export const helpdesk = contract({
  name: 'helpdesk',
  title: 'Helpdesk',
  realm,
  routes: [...authRoutes, ...aboutRoutes(authRoutes), ...userRoutes, ...accountPages(realm)],
  errors,
  limits: {
    credentials: { points: 5, seconds: quarter },
    mail: { points: 5, seconds: quarter },
    write: { points: 100, seconds: quarter },
    read: { points: 100, seconds: quarter },
    metrics: { points: 60, seconds: 60 },
    upload: { points: 10, seconds: quarter },
    // Pages show many of them, and a browser asks for each once.
    download: { points: 1_200, seconds: 60 },
  },
  bodyLimit: 256 * 1024,
  // A refresh or a logout by cookie comes without a body, with or without a content type.
  bodies: 'json',
  failure,
  failureSchema: Failure,
  documentation,
  healthRoutes: [
    { url: '/health', of: 'gateway' },
    { url: '/health', of: 'identity' },
    { url: '/health', of: 'profiles', asks: ['identity'] },
    { url: '/api/v1/health', of: 'profiles', asks: ['identity'] },
  ],
  health,
  deployment,
  browser: { exposedHeaders: ['x-token-expires-soon', 'x-token-expires-in'] },
  hosting: { trailingSlash: true },
  announceProfile,
})
