import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ceilings, type HashReader, isSaltAndKey, malformed, type ReadHash, tooDear } from './format.ts'

const pbkdf2Async = promisify(pbkdf2)

const digestBytes = { sha1: 20, sha256: 32, sha512: 64 }
type Digest = keyof typeof digestBytes

/** Werkzeug's rounds where a hash names none. */
const werkzeugRounds = '260000'

/**
 * PBKDF2 (RFC 8018) with HMAC-SHA-1, -256 or -512:
 * `$pbkdf2-sha256$i=<rounds>$salt$key`, ours and the PHC form;
 * `$pbkdf2-sha256$<rounds>$salt$key`, passlib's, in a base64 of its own with `.` for `+` and without padding;
 * `pbkdf2_sha256$<rounds>$salt$key`, Django's, and `pbkdf2:sha256:<rounds>$salt$hex`, Werkzeug's, whose salts are texts.
 */
export const readPbkdf2: HashReader = (hash) => {
  if (/^\$pbkdf2[-$]/.test(hash)) {
    const [, digest = 'sha1', i, rounds, length, salt = '', text = ''] =
      /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(i=)?(\d{1,10})(?:,l=(\d{1,3}))?\$([A-Za-z0-9+/.]{1,128})={0,2}\$([A-Za-z0-9+/.]{1,88})={0,2}$/.exec(
        hash,
      ) ?? []
    const key = base64(text)
    if (length !== undefined && Number(length) !== key.length) return malformed('pbkdf2')
    return readRounds(`${i ? '' : 'passlib-'}pbkdf2-`, digest, rounds, base64(salt), key)
  }
  if (hash.startsWith('pbkdf2_')) {
    const [, digest, rounds, salt = '', text = ''] =
      /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,10})\$([^$]{1,128})\$([A-Za-z0-9+/]{1,88}={0,2})$/.exec(hash) ?? []
    return readRounds('django-pbkdf2-', digest, rounds, salt, base64(text))
  }
  if (hash.startsWith('pbkdf2:')) {
    const [, digest, rounds = werkzeugRounds, salt = '', hex = ''] =
      /^pbkdf2:(sha1|sha256|sha512)(?::(\d{1,10}))?\$([^$]{1,128})\$((?:[0-9a-f]{2}){16,64})$/.exec(hash) ?? []
    return readRounds('werkzeug-pbkdf2-', digest, rounds, salt, Buffer.from(hex, 'hex'))
  }
  return undefined
}

const base64 = (text: string): Buffer => Buffer.from(text.replaceAll('.', '+'), 'base64')

function readRounds(
  family: string,
  digest: string | undefined,
  count: string | undefined,
  salt: Buffer | string,
  key: Buffer,
): ReadHash {
  const rounds = Number(count)
  if (!isDigest(digest) || !(rounds >= 1) || !isSaltAndKey(salt, key)) return malformed('pbkdf2')
  const blocks = Math.ceil(key.length / digestBytes[digest])
  if (rounds * blocks > ceilings.pbkdf2Rounds) return tooDear('pbkdf2', `${rounds} rounds`)
  return {
    format: `${family}${digest}`,
    verify: async (password) => timingSafeEqual(await pbkdf2Async(password, salt, rounds, key.length, digest), key),
  }
}

const isDigest = (text: string | undefined): text is Digest => text !== undefined && Object.hasOwn(digestBytes, text)
