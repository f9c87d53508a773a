import { hmac } from '../../platform/secrets.ts'
import type { RequestContext } from '../realm/index.ts'

/**
 * Names what failed sign-ins are counted under, so that no table tells who tries to sign in from where. A device that the
 * account was signed in from has a counter of its own, and so has its IP prefix; all unknown devices share one. Nobody is
 * exempt, and nobody else can lock the owner's device out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 */
export const createLockout = (key: Buffer) => {
  const name = (...parts: string[]) => hmac(key, JSON.stringify(parts))
  return {
    countersOf(identifier: string, tenant: string, { realm, device, ipPrefix }: RequestContext) {
      const about = [realm.name, lower(tenant), lower(identifier)]
      return {
        device: name('device', ...about, device),
        ipPrefix: name('network', ...about, ipPrefix),
        unknownDevices: name('unknownDevices', ...about),
      }
    },
    /** What an account's wrong codes are counted under, over all contracts: its password is known to whoever guesses codes. */
    codesOf: (accountId: string) => name('codes', accountId),
    devicesOf: ({ device, ipPrefix }: RequestContext) => ({
      device: name('device', device),
      ipPrefix: name('network', ipPrefix),
    }),
  }
}
export type Lockout = ReturnType<typeof createLockout>

/**
 * Lower case by the letter, as the database's lower() finds accounts. The language's own makes two letters of İ: one name would
 * have a counter for each way to write it.
 */
const lower = (text: string): string => [...text].map((letter) => [...letter.toLowerCase()][0]).join('')
