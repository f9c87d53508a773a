import { hmac } from '../../platform/secrets.ts'
import type { Client } from './policy.ts'

/** Names the counter of wrong passwords that an identifier has, so that no table tells who tries to sign in. */
export interface Lockout {
  counterOf(identifier: string, client: Pick<Client, 'terms'>): Buffer
}

export const createLockout = (key: Buffer): Lockout => ({
  counterOf: (identifier, { terms }) =>
    hmac(key, JSON.stringify([terms.name, terms.policy.tenant, identifier.toLowerCase()])),
})
