import { hmac } from '../../platform/secrets.ts'
import type { Client } from './policy.ts'

/**
 * Names what failed sign-ins are counted under, so that no table tells who tries to sign in from where. A device that the
 * account was signed in from has a counter of its own, and so has its network; all strangers share one. Nobody is exempt, and no
 * stranger can lock the owner's device out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 */
export interface Lockout {
  countersOf(identifier: string, tenant: string, client: Client): { device: Buffer; network: Buffer; strangers: Buffer }
  devicesOf(client: Client): { device: Buffer; network: Buffer }
}

export const createLockout = (key: Buffer): Lockout => {
  const name = (...parts: string[]) => hmac(key, JSON.stringify(parts))
  return {
    countersOf(identifier, tenant, { terms, device, network }) {
      const about = [terms.name, tenant.toLowerCase(), identifier.toLowerCase()]
      return {
        device: name('device', ...about, device),
        network: name('network', ...about, network),
        strangers: name('strangers', ...about),
      }
    },
    devicesOf: ({ device, network }) => ({ device: name('device', device), network: name('network', network) }),
  }
}
