import type { Terms } from '../../services/identity/index.ts'

/** How the shop signs people in, and what its tokens say. */
export const terms: Terms = {
  name: 'shop',
  policy: {
    password: { minLength: 8 },
    // NIST 800-63B-4 allows 100 failures at most; the rate limits below slow a guesser down long before.
    lockout: { failures: 50, seconds: 15 * 60 },
    accessTtl: 3600,
    refreshTtl: 30 * 24 * 3600,
    tenant: 'main',
    roles: { person: 'user', administrator: 'admin', all: ['user', 'admin'] },
  },
  claims: ({ username, number, role }) => ({ sub: username, user_id: number, role, type: 'access' }),
}
