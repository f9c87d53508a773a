import { type PasswordHashing, recommendedHashing } from '../services/identity/index.ts'
import type { Reader } from './environment.ts'

/** How new passwords are hashed. */
export function readHashing(read: Reader, development: boolean): PasswordHashing {
  const algorithm = read.choice('GUICHET_PASSWORD_ALGORITHM', ['argon2id', 'pbkdf2-sha256'] as const, 'argon2id')
  // Cheaper than OWASP recommends only where nothing is worth stealing.
  const floor = (recommended: number, least: number) => (development ? least : recommended)
  if (algorithm === 'pbkdf2-sha256') {
    const { rounds } = recommendedHashing['pbkdf2-sha256']
    const min = floor(rounds, 1)
    return { algorithm, rounds: read.integer('GUICHET_PBKDF2_ROUNDS', { fallback: rounds, min, max: 10_000_000 }) }
  }
  const { memoryKib, passes } = recommendedHashing.argon2id
  return {
    algorithm,
    memoryKib: read.integer('GUICHET_ARGON2_MEMORY_KIB', {
      fallback: memoryKib,
      min: floor(memoryKib, 8),
      max: 1_048_576,
    }),
    passes: read.integer('GUICHET_ARGON2_PASSES', { fallback: passes, min: floor(passes, 1), max: 100 }),
  }
}
