import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/** Gives a 32-byte key for one purpose, derived from the master secret (HKDF-SHA256, RFC 5869). */
export type DeriveKey = (purpose: string) => Buffer

export const deriveFrom =
  (secret: string): DeriveKey =>
  (purpose) =>
    Buffer.from(hkdfSync('sha256', secret, '', `guichet:${purpose}`, 32))

export const sha256 = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()

export const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Compares two secrets in constant time, whatever their lengths. */
export const sameSecret = (one: string, other: string): boolean => timingSafeEqual(sha256(one), sha256(other))

const ivBytes = 12
const tagBytes = 16

/** Encrypts with AES-256-GCM: IV, tag and ciphertext in one buffer. */
export function seal(key: Buffer, plain: string): Buffer {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body])
}

/** Opens what `seal` closed; throws when the key is another or a byte was changed. */
export function unseal(key: Buffer, sealed: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes))
  decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8')
}
