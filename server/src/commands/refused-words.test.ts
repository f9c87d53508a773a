import { expect, test } from 'vitest'
import { StartError } from '../platform/errors.ts'
import { usage } from './command.ts'
import { deadLetters } from './dead-letters.ts'
import { keys } from './keys.ts'
import { newMigrationFor } from './migrate.ts'
import { tenant } from './tenant.ts'

const topology = 'no topology, so that what is not refused for its words fails otherwise'
const print = () => undefined
const strict = (minPasswordScore?: string, approval?: string) => ({ minPasswordScore, approval, topology })

test.each<[string, () => Promise<void>, string]>([
  ['keys to rotate a certain one', () => keys(['rotate', 'k'], { now: false, topology }, print), usage],
  ['keys to revoke none', () => keys(['revoke'], { now: false, topology }, print), usage],
  ['keys to revoke two', () => keys(['revoke', 'k', 'l'], { now: false, topology }, print), usage],
  ['keys to revoke now', () => keys(['revoke', 'k'], { now: true, topology }, print), usage],
  ['dead letters of identity', () => deadLetters(['identity'], { topology }, print), usage],
  ['dead letters to remove', () => deadLetters(['mail', 'remove'], { topology }, print), usage],
  ['dead letters to replay twice', () => deadLetters(['mail', 'replay', 'replay'], { topology }, print), usage],
  ['a migration without a title', () => newMigrationFor(['orders'], print), usage],
  ['two tenants', () => tenant(['a', 'b'], strict(), print), usage],
  ['a score of 5', () => tenant(['a'], strict('5'), print), '--min-password-score takes a number from 0 to 4.'],
  ['no score', () => tenant(['a'], strict(''), print), '--min-password-score takes a number from 0 to 4.'],
  ['an approval of yes', () => tenant(['a'], strict('4', 'yes'), print), '--approval takes on or off.'],
])('%s: refused before anything is opened', async (_what, run, message) => {
  await expect(run()).rejects.toEqual(new StartError(message))
})
