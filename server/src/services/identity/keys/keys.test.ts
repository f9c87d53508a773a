import { createSigner } from 'fast-jwt'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../../../../tests/support/test-databases.ts'
import { sql } from '../../../platform/db/database.ts'
import { openNotices } from '../../../platform/db/notices/index.ts'
import { StartError } from '../../../platform/errors.ts'
import { silentLogger } from '../../../platform/log.ts'
import { deriveFrom } from '../../../platform/secrets.ts'
import { jwksKeySource, type KeySource, localKeySource } from '../../../platform/tokens/key-source.ts'
import { createTokenVerifier } from '../../../platform/tokens/verifier.ts'
import { openSigningKeys, type SigningKey, type SigningKeys } from './index.ts'

const fresh = freshDatabase('signing_keys', { service: 'identity' })
const log = silentLogger()
const secret = 'a secret of the tests, long enough'
const life = 3600
const minute = 60_000
const day = 24 * 60 * minute

let now = Date.UTC(2030, 0, 1)
const clock = { now: () => now }

beforeEach(async () => void (await fresh.database.run(sql`DELETE FROM signing_keys`)))

/** The keys as one process of identity has them, until the test ends. */
async function openProcess(change: { secret?: string; rotationDays?: number; everyMs?: number } = {}) {
  const notices = openNotices({ url: fresh.url, name: 'signing-keys', log })
  onTestFinished(notices.close)
  // What it has begun before it is closed sees nothing of the next test's time.
  let end: number | undefined
  onTestFinished(() => {
    end = now
  })
  const keys = await openSigningKeys({
    database: fresh.database,
    notices,
    deriveKey: deriveFrom(change.secret ?? secret),
    rotationDays: change.rotationDays ?? 0,
    longestAccessTtl: life,
    clock: { now: () => end ?? now },
    log,
    everyMs: change.everyMs ?? 60_000,
  })
  onTestFinished(keys.close)
  return keys
}

const sign = ({ kid, privatePem }: SigningKey): string => {
  const iat = Math.floor(now / 1000)
  const claims = { sid: 's', uid: 'u', ver: 1, jti: 'j', tid: 't', aud: 'test', iat, exp: iat + life }
  return createSigner({ algorithm: 'ES256', key: privatePem, kid })(claims)
}
const verifierOf = (keys: KeySource) =>
  createTokenVerifier({
    audience: 'test',
    secret: undefined,
    keys,
    revocations: {
      check: () => 'live',
      follow: async () => undefined,
      following: () => true,
      size: () => 0,
      stop: async () => undefined,
    },
    introspect: async () => true,
    clock,
  })
const published = (keys: SigningKeys) => keys.jwks().keys.map(({ kid }) => kid)
const statesOf = async (keys: SigningKeys) => (await keys.list()).map(({ state }) => state)
const invalid = { code: 'edge.invalid_token' }

test('processes that start at once have one key', async () => {
  const all = await Promise.all([openProcess(), openProcess(), openProcess()])
  expect(new Set(all.map((keys) => keys.current().kid)).size).toBe(1)
  expect(published(all[0])).toEqual([all[0].current().kid])
})

test('another master secret is said at the start', async () => {
  const { kid } = (await openProcess()).current()
  const opening = openProcess({ secret: 'another secret of the tests, as long' })
  await expect(opening).rejects.toThrow(StartError)
  await expect(opening).rejects.toThrow(`The signing key ${kid} cannot be opened with this master secret`)
})

describe('a rotation', () => {
  test('is published everywhere before the key signs, and two processes agree on the key all the way', async () => {
    const [one, other] = await Promise.all([openProcess(), openProcess()])
    const old = one.current().kid
    const { kid, activatesAt } = await one.rotate()
    expect(activatesAt.getTime()).toBe(now + 10 * minute)
    await expect.poll(() => published(other)).toEqual([kid, old])
    expect([one.current().kid, other.current().kid]).toEqual([old, old])
    expect(await statesOf(other)).toEqual(['next', 'current'])

    now += 10 * minute - 1
    expect([one.current().kid, other.current().kid]).toEqual([old, old])
    now += 1
    expect([one.current().kid, other.current().kid]).toEqual([kid, kid])
    expect(await statesOf(other)).toEqual(['current', 'retiring'])
  })

  test('leaves the old tokens good until they expire, and the new ones are from the first on', async () => {
    const keys = await openProcess({ everyMs: 20 })
    let reads = 0
    const here = verifierOf(localKeySource(keys.jwks))
    const elsewhere = verifierOf(
      jwksKeySource(async () => {
        reads += 1
        return structuredClone(keys.jwks())
      }, clock),
    )
    const before = keys.current()
    await keys.rotate()
    // The verifier elsewhere has read the set since then, as it does every few minutes.
    for (const verifier of [here, elsewhere]) await verifier.verify(sign(before))
    now += 10 * minute - 1_000
    const last = sign(keys.current())
    now += 1_000
    const first = sign(keys.current())
    for (const verifier of [here, elsewhere]) {
      await verifier.verify(last)
      await verifier.verify(first)
    }
    expect(reads).toBeLessThanOrEqual(2)

    now += life * 1000 - 2_000
    for (const verifier of [here, elsewhere]) await verifier.verify(last)
    now += 2_000 + 5 * minute
    await expect.poll(() => published(keys)).toEqual([keys.current().kid])
    expect(keys.current().kid).not.toBe(before.kid)
    for (const verifier of [here, elsewhere]) await expect(verifier.verify(last)).rejects.toMatchObject(invalid)
  })

  test('at once is known to verifiers elsewhere from the first token on', async () => {
    const keys = await openProcess()
    const elsewhere = verifierOf(jwksKeySource(async () => keys.jwks(), clock))
    await elsewhere.verify(sign(keys.current()))
    now += 1_000
    const { kid } = await keys.rotate({ now: true })
    expect(keys.current().kid).toBe(kid)
    await expect(elsewhere.verify(sign(keys.current()))).resolves.toMatchObject({ sid: 's' })
  })

  test('asked for again makes no second key, and can be brought forward', async () => {
    const keys = await openProcess()
    const asked = await Promise.all(Array.from({ length: 5 }, () => keys.rotate()))
    expect(new Set(asked.map(({ kid }) => kid)).size).toBe(1)
    expect(await keys.list()).toHaveLength(2)
    now += 1_000
    expect((await keys.rotate({ now: true })).kid).toBe(asked[0]?.kid)
    expect(keys.current().kid).toBe(asked[0]?.kid)
  })

  test('that is due in three processes at one time makes one key', async () => {
    await Promise.all(Array.from({ length: 3 }, () => openProcess({ rotationDays: 90, everyMs: 20 })))
    const keys = await openProcess({ rotationDays: 90 })
    const waiting = async () => {
      const { count } = await fresh.database.one(sql<{ count: number }>`
        SELECT count(*) FROM pg_locks WHERE relation = 'signing_keys'::regclass AND NOT granted`)
      return count
    }
    // All three have found that it is time, and wait for the lock, before one of them may act.
    await fresh.database.transaction(async (tx) => {
      await tx.run(sql`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`)
      now += 90 * day
      await expect.poll(waiting).toBe(3)
    })
    await expect.poll(() => published(keys)).toHaveLength(2)
    await expect.poll(waiting).toBe(0)
    expect(await statesOf(keys)).toEqual(['next', 'current'])
  })

  test('comes by itself whenever it is due, and what an earlier one replaced is removed', async () => {
    const keys = await openProcess({ rotationDays: 90, everyMs: 20 })
    for (let time = 0; time < 3; time += 1) {
      const before = keys.current().kid
      now += 90 * day
      await expect.poll(() => published(keys)).toEqual([expect.any(String), before])
      expect(keys.current().kid).toBe(before)
      now += 10 * minute
      expect([keys.current().kid, before]).toEqual(published(keys))
    }
  })

  test('never comes by itself with 0 days', async () => {
    const keys = await openProcess({ everyMs: 10 })
    now += 9_000 * day
    const before = keys.jwks()
    // Two readings later it would have come.
    await expect.poll(() => keys.jwks() !== before).toBe(true)
    const again = keys.jwks()
    await expect.poll(() => keys.jwks() !== again).toBe(true)
    expect(await keys.list()).toHaveLength(1)
  })
})

describe('a key that is revoked', () => {
  test('is replaced first, and its tokens are refused here at once, though they were accepted before', async () => {
    const keys = await openProcess()
    const verifier = verifierOf(localKeySource(keys.jwks))
    const { kid } = keys.current()
    const token = sign(keys.current())
    await verifier.verify(token)
    expect(verifier.verifySeen(token)).toMatchObject({ sid: 's' })

    expect(await keys.revoke(kid)).toBe(true)
    expect(verifier.verifySeen(token)).toBeUndefined()
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
    expect(published(keys)).toEqual([keys.current().kid])
    expect(keys.current().kid).not.toBe(kid)
    await expect(verifier.verify(sign(keys.current()))).resolves.toMatchObject({ sid: 's' })
  })

  test('is refused by another process of identity when it hears of it', async () => {
    const [one, other] = await Promise.all([openProcess(), openProcess()])
    const verifier = verifierOf(localKeySource(other.jwks))
    const token = sign(one.current())
    await verifier.verify(token)
    await one.revoke(one.current().kid)
    await expect.poll(() => verifier.verifySeen(token)).toBeUndefined()
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
    expect(other.current().kid).toBe(one.current().kid)
  })

  test('is refused elsewhere within five minutes', async () => {
    const keys = await openProcess()
    const verifier = verifierOf(jwksKeySource(async () => keys.jwks(), clock))
    const token = sign(keys.current())
    await verifier.verify(token)
    await keys.revoke(keys.current().kid)
    now += 5 * minute
    expect(verifier.verifySeen(token)).toBeUndefined()
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
  })

  test('leaves the current one in place when it waits or retires', async () => {
    const keys = await openProcess()
    const old = keys.current().kid
    now += 1_000
    const { kid: current } = await keys.rotate({ now: true })
    const { kid: next } = await keys.rotate()
    await keys.revoke(old)
    await keys.revoke(next)
    expect(await keys.list()).toMatchObject([{ kid: current, state: 'current' }])
    expect(published(keys)).toEqual([current])
  })

  test('has to be there', async () => {
    const keys = await openProcess()
    expect(await keys.revoke('nobody-knows-it')).toBe(false)
    expect(await keys.list()).toHaveLength(1)
  })
})

test('keys that were emptied out of the table are made anew by the processes that run', async () => {
  const [one, other] = await Promise.all([openProcess({ everyMs: 20 }), openProcess({ everyMs: 20 })])
  const old = one.current().kid
  await fresh.database.run(sql`DELETE FROM signing_keys`)
  await expect.poll(() => one.current().kid !== old && one.current().kid === other.current().kid).toBe(true)
})
