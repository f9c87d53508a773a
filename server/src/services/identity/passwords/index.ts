import { pbkdf2, randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { hash as argon2Hash } from '@node-rs/argon2'
import { createSemaphore } from '../../../platform/semaphore.ts'
import { busy } from '../errors.ts'
import { readHash } from './foreign-hashes/index.ts'

const pbkdf2Async = promisify(pbkdf2)

/** Which function new passwords are hashed with, and at what cost. */
export type PasswordHashing =
  | { algorithm: 'argon2id'; memoryKib: number; passes: number }
  | { algorithm: 'pbkdf2-sha256'; rounds: number }

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB and 2 passes, or PBKDF2-HMAC-SHA256 with 600,000 rounds. */
export const recommendedHashing = {
  argon2id: { algorithm: 'argon2id', memoryKib: 19_456, passes: 2 },
  'pbkdf2-sha256': { algorithm: 'pbkdf2-sha256', rounds: 600_000 },
} as const satisfies Record<string, PasswordHashing>

export type Passwords = Awaited<ReturnType<typeof createPasswords>>

/** Hashes waiting at most: about two seconds of work for two cores at the recommended cost. */
const queueCapacity = 256

/** Makes the hasher; the dummy hash for unknown accounts is computed here, with the real cost. */
export async function createPasswords(hashing: PasswordHashing) {
  // A few at a time, so that a burst of sign-ins leaves processor time to everything else.
  const turns = createSemaphore({ atOnce: availableParallelism(), capacity: queueCapacity, busy })
  const { compute, prefix } = hasher(hashing)
  const dummy = readHash(await compute(randomBytes(16).toString('base64url')))
  if ('refused' in dummy) throw new Error(`passwords cannot be hashed like that: ${dummy.refused}`)
  return {
    hash: (password: string) => turns.run(() => compute(password)),
    /** Costs the same for a missing hash as for a present one, so that time does not tell whether an account exists. */
    verify: (password: string, hash: string | null | undefined) =>
      turns.run(async () => {
        const stored = typeof hash === 'string' ? readHash(hash) : undefined
        // A hash that is refused costs what none costs, so that time does not tell of it either.
        const known = stored && !('refused' in stored) ? stored : undefined
        const correct = await (known ?? dummy).verify(password)
        return correct && known !== undefined
      }),
    /** True when a hash was made with another function or cost than new ones are. */
    outdated: (hash: string) => !hash.startsWith(prefix),
    /** Hashes that wait for their turn. */
    waiting: turns.waiting,
  }
}

/** The function that hashes, and what its texts begin with (the PHC string format: function, version and cost). */
function hasher(hashing: PasswordHashing): { compute: (password: string) => Promise<string>; prefix: string } {
  switch (hashing.algorithm) {
    case 'argon2id': {
      const { memoryKib, passes } = hashing
      return {
        prefix: `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$`,
        // argon2id is the library's default algorithm; its enum cannot be imported under isolated modules.
        compute: (password) => argon2Hash(password, { memoryCost: memoryKib, timeCost: passes, parallelism: 1 }),
      }
    }
    case 'pbkdf2-sha256': {
      const prefix = `$pbkdf2-sha256$i=${hashing.rounds}$`
      return {
        prefix,
        async compute(password) {
          const salt = randomBytes(16)
          const key = await pbkdf2Async(password, salt, hashing.rounds, 32, 'sha256')
          return `${prefix}${salt.toString('base64')}$${key.toString('base64')}`
        },
      }
    }
  }
}
