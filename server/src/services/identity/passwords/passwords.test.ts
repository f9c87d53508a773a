import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { createPasswords, type PasswordHashing, recommendedHashing } from './index.ts'

const cheap: Readonly<Record<PasswordHashing['algorithm'], PasswordHashing>> = {
  argon2id: { algorithm: 'argon2id', memoryKib: 64, passes: 1 },
  'pbkdf2-sha256': { algorithm: 'pbkdf2-sha256', rounds: 1_000 },
}

describe.each(Object.values(cheap))('$algorithm', (hashing) => {
  test('verifies its own hashes and nothing else', async () => {
    const passwords = await createPasswords(hashing)
    const hash = await passwords.hash('correct horse')
    expect(hash).toContain(hashing.algorithm)
    expect(await passwords.verify('correct horse', hash)).toBe(true)
    expect(await passwords.verify('Correct horse', hash)).toBe(false)
    expect(await passwords.hash('correct horse')).not.toBe(hash)
    expect(passwords.outdated(hash)).toBe(false)
  })

  test('a missing hash is never right, whatever the password', async () => {
    const passwords = await createPasswords(hashing)
    expect(await passwords.verify('', null)).toBe(false)
    expect(await passwords.verify('anything', undefined)).toBe(false)
  })
})

test('a hash of another function or cost still opens, and is out of date', async () => {
  const old = await createPasswords(cheap['pbkdf2-sha256'])
  const present = await createPasswords({ algorithm: 'argon2id', memoryKib: 128, passes: 1 })
  const cheaper = await createPasswords(cheap.argon2id)
  for (const hash of [await old.hash('secret word'), await cheaper.hash('secret word')]) {
    expect(await present.verify('secret word', hash)).toBe(true)
    expect(await present.verify('another word', hash)).toBe(false)
    expect(present.outdated(hash)).toBe(true)
  }
})

test('of a burst as many wait as there is room for, each time, and all of these are answered', async () => {
  const passwords = await createPasswords(cheap.argon2id)
  const room = availableParallelism() + 256
  for (const time of ['the first', 'the second']) {
    const burst = Array.from({ length: room + 2 }, () => passwords.verify('any', null))
    const outcomes = Promise.allSettled(burst)
    expect(passwords.waiting(), time).toBe(256)
    const refused = (await outcomes).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refused, time).toMatchObject([{ code: 'identity.busy' }, { code: 'identity.busy' }])
    expect(passwords.waiting(), time).toBe(0)
  }
})

test('the recommended costs are what OWASP asks for at least', () => {
  expect(recommendedHashing.argon2id.memoryKib).toBeGreaterThanOrEqual(19 * 1024)
  expect(recommendedHashing.argon2id.passes).toBeGreaterThanOrEqual(2)
  expect(recommendedHashing['pbkdf2-sha256'].rounds).toBeGreaterThanOrEqual(600_000)
})

describe("S-45 Werkzeug's formats at their usual cost", () => {
  const salt = 'Zx8Yt1Qp0aBcDeFg'
  const scryptCost = { N: 32_768, r: 8, p: 1, maxmem: 132 * 1024 * 1024 }

  test.each([
    ['pbkdf2', `pbkdf2:sha256:1000$${salt}$${pbkdf2Sync('User123!', salt, 1_000, 32, 'sha256').toString('hex')}`],
    ['scrypt', `scrypt:32768:8:1$${salt}$${scryptSync('User123!', salt, 64, scryptCost).toString('hex')}`],
  ])('%s hashes verify and count as out of date', async (_name, hash) => {
    const passwords = await createPasswords(cheap.argon2id)
    expect(await passwords.verify('User123!', hash)).toBe(true)
    expect(await passwords.verify('User123?', hash)).toBe(false)
    expect(passwords.outdated(hash)).toBe(true)
  })
})

test('a stored hash that is too dear or unknown never opens, and costs what a missing one costs', async () => {
  const passwords = await createPasswords(cheap.argon2id)
  const before = process.cpuUsage()
  for (const hash of [
    `$2b$31$${'.'.repeat(53)}`,
    `$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$${'A'.repeat(43)}`,
    '',
  ]) {
    expect(await passwords.verify('', hash)).toBe(false)
  }
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(500)
})
