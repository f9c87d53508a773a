import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { ceilings, type HashReader, isSaltAndKey, malformed, type ReadHash, tooDear } from './format.ts'

const scryptAsync = (password: string, salt: Buffer | string, size: number, cost: ScryptOptions) =>
  new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, size, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })

/**
 * scrypt (RFC 7914) as a PHC string, which passlib writes too: `$scrypt$ln=<log2 N>,r=<r>,p=<p>$salt$key`; and as Werkzeug keeps
 * it: `scrypt:<N>:<r>:<p>$salt$hex`, whose salt is a text.
 */
export const readScrypt: HashReader = (hash) => {
  if (hash.startsWith('$scrypt$')) {
    const [, ln, r, p, salt = '', key = ''] =
      /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]{1,128})={0,2}\$([A-Za-z0-9+/]{22,88})={0,2}$/.exec(
        hash,
      ) ?? []
    const cost = { cost: 2 ** Number(ln), blockSize: Number(r), parallelization: Number(p) }
    return readCost('scrypt', cost, Buffer.from(salt, 'base64'), Buffer.from(key, 'base64'))
  }
  if (hash.startsWith('scrypt:')) {
    const [, n, r, p, salt = '', hex = ''] =
      /^scrypt:(\d{1,12}):(\d{1,9}):(\d{1,9})\$([^$]{1,128})\$((?:[0-9a-f]{2}){16,64})$/.exec(hash) ?? []
    const cost = { cost: Number(n), blockSize: Number(r), parallelization: Number(p) }
    return readCost('werkzeug-scrypt', cost, salt, Buffer.from(hex, 'hex'))
  }
  return undefined
}

type Cost = Record<'cost' | 'blockSize' | 'parallelization', number>

function readCost(format: string, cost: Cost, salt: Buffer | string, key: Buffer): ReadHash {
  const { cost: n, blockSize: r, parallelization: p } = cost
  const exponent = Math.log2(n)
  // N is a power of two below 2^(128 r / 8); anything that was not matched is NaN here and fails as well.
  const wellFormed = exponent >= 1 && Number.isInteger(exponent) && exponent < 16 * r && r >= 1 && p >= 1
  if (!wellFormed || !isSaltAndKey(salt, key)) return malformed('scrypt')
  const bytes = 128 * n * r
  if (bytes > ceilings.scryptBytes || p > ceilings.scryptLanes || n * r * p > ceilings.scryptWork) {
    return tooDear('scrypt', `N=${n},r=${r},p=${p}`)
  }
  // OpenSSL counts what the lanes take beside the table itself.
  const options = { ...cost, maxmem: bytes + 128 * r * p + 1024 * 1024 }
  return {
    format,
    verify: async (password) => timingSafeEqual(await scryptAsync(password, salt, key.length, options), key),
  }
}
