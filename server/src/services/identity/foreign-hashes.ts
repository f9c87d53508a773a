import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const pbkdf2Async = promisify(pbkdf2)
const scryptAsync = (password: string, salt: string, size: number, cost: object) =>
  new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, size, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })

/** The dearest foreign hash that is computed at all: an imported row must not be able to burn a core for minutes. */
const ceilings = { pbkdf2Rounds: 2_000_000, scryptBytes: 128 * 1024 * 1024, scryptParallel: 16 }

/**
 * Werkzeug's formats, as Flask applications keep them: `pbkdf2:sha256:<rounds>$salt$hex` and `scrypt:<N>:<r>:<p>$salt$hex`
 * (werkzeug.security). Gives undefined for a text that is neither, or too dear to compute.
 */
export function parseForeignHash(hash: string): ((password: string) => Promise<boolean>) | undefined {
  const [method = '', salt = '', hex = ''] = hash.split('$')
  if (!salt || !/^([0-9a-f]{2}){16,64}$/.test(hex)) return undefined
  const expected = Buffer.from(hex, 'hex')
  const [name, ...parameters] = method.split(':')

  if (name === 'pbkdf2') {
    const [digest = '', rounds = '260000'] = parameters
    const count = Number(rounds)
    if (!/^sha(256|512)$/.test(digest) || !Number.isInteger(count) || count < 1 || count > ceilings.pbkdf2Rounds) {
      return undefined
    }
    return async (password) =>
      timingSafeEqual(await pbkdf2Async(password, salt, count, expected.length, digest), expected)
  }
  if (name === 'scrypt') {
    const [cost = 0, blockSize = 0, parallelization = 0] = parameters.map(Number)
    const memory = 128 * cost * blockSize
    const cheapEnough = memory <= ceilings.scryptBytes && parallelization <= ceilings.scryptParallel
    const powerOfTwo = cost > 1 && Number.isInteger(Math.log2(cost))
    if (!powerOfTwo || !(blockSize >= 1) || !(parallelization >= 1) || !cheapEnough) return undefined
    const options = { cost, blockSize, parallelization, maxmem: memory * 2 + 1024 * 1024 }
    return async (password) => timingSafeEqual(await scryptAsync(password, salt, expected.length, options), expected)
  }
  return undefined
}
