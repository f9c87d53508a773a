import { hmac, sameSecret } from '../../../platform/secrets.ts'

const idBytes = 16

export type ChallengeSecrets = ReturnType<typeof createChallengeSecrets>

/**
 * What is mailed: link tokens and one-time codes, derived from a challenge's row id and a key. They are derived again when the
 * mail is sent and when they are checked, so that no table holds them.
 * @param deriveKey gives the keys, one for links and one for codes
 */
export function createChallengeSecrets(deriveKey: (purpose: string) => Buffer) {
  const linkKey = deriveKey('mailed-links')
  const codeKey = deriveKey('one-time-codes')

  /** The URL-safe token of a mailed link: the id with its authenticator, 64 characters. */
  const tokenOf = (id: string): string =>
    Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), hmac(linkKey, id)]).toString('base64url')
  /** The six digits, 100000 to 999999, of a second factor's challenge. */
  const codeOf = (id: string): string => String(100_000 + (hmac(codeKey, id).readUIntBE(0, 6) % 900_000))

  return {
    tokenOf,
    codeOf,
    /** The id that a token was made from; undefined when we did not make it. */
    idOf(token: string): string | undefined {
      if (!/^[\w-]{64}$/.test(token)) return undefined
      const hex = Buffer.from(token, 'base64url').subarray(0, idBytes).toString('hex')
      const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
      return sameSecret(tokenOf(id), token) ? id : undefined
    },
    codeMatches: (id: string, code: string) => sameSecret(codeOf(id), code),
  }
}
