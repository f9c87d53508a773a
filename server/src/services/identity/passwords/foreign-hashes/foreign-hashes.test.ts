import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { hashSync as argon2 } from '@node-rs/argon2'
import { hashSync as bcrypt } from '@node-rs/bcrypt'
import { describe, expect, test } from 'vitest'
import { describeForeignHash, readHash } from './index.ts'

const password = 'Mot de passe 🦊'
const salt = Buffer.from('Zx8Yt1Qp0aBcDeFg')
const bare = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
const pbkdf2 = (digest: string, size: number) => pbkdf2Sync(password, salt, 100, size, digest)
const scrypt = (N: number) => scryptSync(password, salt, 64, { N, r: 8, p: 1 })
/** passlib's "adapted base64": `.` for `+`, no padding. */
const ab64 = (bytes: Buffer) => bare(bytes).replaceAll('+', '.')

const cheap = { memoryCost: 64, timeCost: 1 }
const examples: readonly (readonly [format: string, hash: string])[] = [
  ['bcrypt', bcrypt(password, { cost: 4, version: '2a' })],
  ['bcrypt', bcrypt(password, { cost: 4, version: '2b' })],
  ['bcrypt', bcrypt(password, { cost: 4, version: '2y' })],
  ['argon2d', argon2(password, { ...cheap, algorithm: 0 })],
  ['argon2i', argon2(password, { ...cheap, algorithm: 1 })],
  ['argon2id', argon2(password, { ...cheap, algorithm: 2 })],
  ['argon2i', argon2(password, { ...cheap, algorithm: 1, version: 0 }).replace('$v=16', '')],
  ['scrypt', `$scrypt$ln=4,r=8,p=1$${bare(salt)}$${bare(scrypt(16))}`],
  ['werkzeug-scrypt', `scrypt:16:8:1$${salt}$${scrypt(16).toString('hex')}`],
  ['pbkdf2-sha256', `$pbkdf2-sha256$i=100$${salt.toString('base64')}$${pbkdf2('sha256', 32).toString('base64')}`],
  ['pbkdf2-sha512', `$pbkdf2-sha512$i=100,l=64$${bare(salt)}$${bare(pbkdf2('sha512', 64))}`],
  ['passlib-pbkdf2-sha1', `$pbkdf2$100$${ab64(salt)}$${ab64(pbkdf2('sha1', 20))}`],
  ['passlib-pbkdf2-sha256', `$pbkdf2-sha256$100$${ab64(salt)}$${ab64(pbkdf2('sha256', 32))}`],
  ['passlib-pbkdf2-sha512', `$pbkdf2-sha512$100$${ab64(salt)}$${ab64(pbkdf2('sha512', 64))}`],
  ['django-pbkdf2-sha1', `pbkdf2_sha1$100$${salt}$${pbkdf2('sha1', 20).toString('base64')}`],
  ['django-pbkdf2-sha256', `pbkdf2_sha256$100$${salt}$${pbkdf2('sha256', 32).toString('base64')}`],
  ['werkzeug-pbkdf2-sha1', `pbkdf2:sha1:100$${salt}$${pbkdf2('sha1', 20).toString('hex')}`],
  ['werkzeug-pbkdf2-sha256', `pbkdf2:sha256:100$${salt}$${pbkdf2('sha256', 32).toString('hex')}`],
  ['werkzeug-pbkdf2-sha512', `pbkdf2:sha512:100$${salt}$${pbkdf2('sha512', 64).toString('hex')}`],
]

const verify = async (given: string, hash: string) => {
  const read = readHash(hash)
  if ('refused' in read) throw new Error(read.refused)
  return await read.verify(given)
}

test.each(examples)('%s opens for its password only: %s', async (format, hash) => {
  expect(describeForeignHash(hash)).toEqual({ format })
  expect(await verify(password, hash)).toBe(true)
  expect(await verify(`${password}.`, hash)).toBe(false)
  expect(await verify('', hash)).toBe(false)
})

describe('published examples', () => {
  test.each([
    // passlib's own tests; the PHP manual on password_verify; RFC 7914, section 12.
    ['password', '$pbkdf2$1212$OB.dtnSEXZK8U5cgxU/GYQ$y5LKPOplRmok7CZp/aqVDVg8zGI'],
    ['password', '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ'],
    [
      'password',
      '$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww',
    ],
    ['rasmuslerdorf', '$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq'],
    [
      'password',
      'scrypt:1024:8:16$NaCl$fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    ],
  ])('%s in %s', async (given, hash) => {
    expect(await verify(given, hash)).toBe(true)
    expect(await verify('another', hash)).toBe(false)
  })
})

test('bcrypt counts 72 bytes of a password and opens whatever follows', async () => {
  const hash = bcrypt('é'.repeat(36), { cost: 4 })
  expect(await verify(`${'é'.repeat(36)}and more`, hash)).toBe(true)
  expect(await verify('é'.repeat(35), hash)).toBe(false)
})

const key = 'A'.repeat(43)
const tooDear = [
  `$2b$16$${'.'.repeat(53)}`,
  `$2y$31$${'.'.repeat(53)}`,
  `$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$${key}`,
  `$argon2id$v=19$m=64,t=4294967295,p=1$c2FsdHNhbHQ$${key}`,
  `$argon2d$v=19$m=131072,t=16,p=1$c2FsdHNhbHQ$${key}`,
  `$argon2i$m=4096,t=1,p=255$c2FsdHNhbHQ$${key}`,
  `$scrypt$ln=24,r=8,p=1$c2FsdHNhbHQ$${key}`,
  `$scrypt$ln=17,r=8,p=16$c2FsdHNhbHQ$${key}`,
  `$scrypt$ln=4,r=8,p=99999$c2FsdHNhbHQ$${key}`,
  `scrypt:1073741824:8:1$salt$${'ab'.repeat(32)}`,
  `scrypt:32768:8:4096$salt$${'ab'.repeat(32)}`,
  `$pbkdf2-sha256$i=4000000000$c2FsdHNhbHQ$${key}`,
  `$pbkdf2-sha512$999999999$c2FsdHNhbHQ$${key}`,
  `pbkdf2_sha256$999999999$salt$${key}=`,
  `pbkdf2:sha256:999999999$salt$${'ab'.repeat(32)}`,
  // Two digest blocks, so twice the rounds.
  `pbkdf2:sha256:1500000$salt$${'ab'.repeat(64)}`,
]
const malformed = [
  `$2b$03$${'.'.repeat(53)}`,
  `$2b$10$${'.'.repeat(52)}`,
  `$2b$10$${'.'.repeat(52)}/`,
  `$2x$10$${'.'.repeat(53)}`,
  `$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$${key}`,
  `$argon2id$v=19$m=64,t=1,p=9$c2FsdHNhbHQ$${key}`,
  `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$${key.slice(1)}B`,
  `$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$${'A'.repeat(12)}`,
  `$argon2x$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$${key}`,
  `$scrypt$ln=0,r=8,p=1$c2FsdHNhbHQ$${key}`,
  `$scrypt$ln=16,r=1,p=1$c2FsdHNhbHQ$${key}`,
  `scrypt:32767:8:1$salt$${'ab'.repeat(32)}`,
  `$pbkdf2-md5$1000$c2FsdHNhbHQ$${key}`,
  `$pbkdf2-sha256$i=1000,l=64$c2FsdHNhbHQ$${key}`,
  `pbkdf2_sha256$1000$$${key}=`,
  `pbkdf2:sha256:0$salt$${'ab'.repeat(32)}`,
  `pbkdf2:md5:1000$salt$${'ab'.repeat(32)}`,
  `pbkdf2:sha256:1000$$${'ab'.repeat(32)}`,
  'pbkdf2:sha256:1000$salt$zz',
]
const unknown = ['plaintext', '', '5f4dcc3b5aa765d61d8327deb882cf99', '$6$salt$abc', 'x'.repeat(100_000)]

describe('refused', () => {
  test.each(tooDear)('for its cost: %s', (hash) => {
    expect(describeForeignHash(hash)).toEqual({ refused: expect.stringContaining('above the ceiling') })
  })
  test.each(malformed)('as malformed: %s', (hash) => {
    expect(describeForeignHash(hash)).toEqual({ refused: expect.stringContaining('well-formed') })
  })
  test.each(unknown)('as unknown, number %#', (hash) => {
    expect(describeForeignHash(hash)).toEqual({ refused: expect.stringMatching(/not known|longer than/) })
  })

  test('without computing anything, however often', () => {
    const before = process.cpuUsage()
    for (let turn = 0; turn < 20; turn += 1) for (const hash of tooDear) readHash(hash)
    const { user, system } = process.cpuUsage(before)
    // The cheapest of these hashes would take more than a second by itself.
    expect((user + system) / 1000).toBeLessThan(500)
  })
})
