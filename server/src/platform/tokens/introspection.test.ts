import { describe, expect, test } from 'vitest'
import { refuseAtEdge } from '../errors.ts'
import { someClaims } from '../testing/token-cache.conformance.ts'
import { memoryTokenCache } from './cache.ts'
import { createIntrospectingVerifier } from './introspection.ts'
import type { AccessClaims } from './verifier.ts'

const token = 'aaaa.bbbb.cccc'
const begin = 1_800_000_000
const claims = someClaims({ sid: 's', iat: begin - 10, exp: begin + 3600 })

type Said = AccessClaims | undefined | 'away' | Promise<AccessClaims | undefined>

function setUp(options: { says?: Said } = {}) {
  let now = begin * 1000
  const appContext = { says: 'says' in options ? options.says : claims, state: 'live', following: true }
  const asked: string[] = []
  const realms = new Set<string>()
  const clock = { now: () => now }
  const cache = memoryTokenCache({ clock })
  const verifier = createIntrospectingVerifier({
    authority: {
      async ask(one) {
        asked.push(one)
        if (appContext.says === 'away') throw refuseAtEdge('edge.identity_unavailable')
        return appContext.says
      },
      close: async () => undefined,
    },
    cache,
    revocations: {
      check(_claims, realm) {
        realms.add(realm)
        return appContext.state as 'live' | 'revoked' | 'unknown'
      },
      following: () => appContext.following,
    },
    realm: 'the realm',
    clock,
  })
  return {
    appContext,
    asked,
    /** By which revocations were looked up. */
    realms,
    verifier,
    pass: (ms: number) => {
      now += ms
    },
  }
}

const invalid = { code: 'edge.invalid_token' }
const unavailable = { code: 'edge.identity_unavailable' }

describe('a good token', () => {
  test('is asked about once in five seconds', async () => {
    const { verifier, asked, pass } = setUp()
    expect(verifier.verifySeen(token)).toBeUndefined()
    expect(await verifier.verify(token)).toEqual(claims)
    expect(verifier.verifySeen(token)).toEqual(claims)
    pass(4_999)
    expect(await verifier.verify(token)).toEqual(claims)
    expect(asked).toHaveLength(1)
    pass(1)
    expect(verifier.verifySeen(token)).toBeUndefined()
    expect(await verifier.verify(token)).toEqual(claims)
    expect(asked).toHaveLength(2)
  })

  test('is looked up among the revocations of its realm', async () => {
    const { verifier, realms } = setUp()
    await verifier.verify(token)
    expect([...realms]).toEqual(['the realm'])
    realms.clear()
    verifier.verifySeen(token)
    await verifier.verify(token)
    expect([...realms]).toEqual(['the realm'])
  })

  test('is not believed beyond its own end', async () => {
    const { verifier, appContext, asked, pass } = setUp({ says: { ...claims, exp: begin + 3 } })
    await verifier.verify(token)
    pass(2_999)
    expect(verifier.verifySeen(token)).toEqual({ ...claims, exp: begin + 3 })
    pass(1)
    expect(verifier.verifySeen(token)).toBeUndefined()
    appContext.says = undefined
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
    expect(asked).toHaveLength(2)
  })

  test('whose end is near is accepted and not kept', async () => {
    const { verifier, asked } = setUp({ says: { ...claims, exp: begin } })
    await verifier.verify(token)
    await verifier.verify(token)
    expect(asked).toHaveLength(2)
  })

  test('is told from another that differs in its last character', async () => {
    const { verifier, asked } = setUp()
    await verifier.verify(token)
    await verifier.verify('aaaa.bbbb.cccd')
    expect(asked).toEqual([token, 'aaaa.bbbb.cccd'])
  })
})

describe('refused', () => {
  test.each([
    ['an empty text', ''],
    ['two parts', 'aaaa.bbbb'],
    ['four parts', 'aaaa.bbbb.cccc.dddd'],
    ['an empty part', 'aaaa..cccc'],
    ['a line break', 'aaaa.bbbb.cccc\n'],
    ['other characters', 'aaaa.bb+b.cccc'],
    ['more than 4,096 characters', `${'a'.repeat(2_048)}.${'b'.repeat(2_046)}.c`],
  ])('%s, without a question', async (_name, text) => {
    const { verifier, asked } = setUp()
    expect(verifier.verifySeen(text)).toBeUndefined()
    await expect(verifier.verify(text)).rejects.toMatchObject(invalid)
    expect(asked).toEqual([])
  })

  test('the longest that may be a token is asked about', async () => {
    const longest = `${'a'.repeat(2_047)}.${'b'.repeat(2_046)}.c`
    expect(longest).toHaveLength(4_096)
    expect(await setUp().verifier.verify(longest)).toEqual(claims)
  })

  test('what the authority refuses; that is not kept', async () => {
    const { verifier, appContext } = setUp({ says: undefined })
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
    appContext.says = claims
    expect(await verifier.verify(token)).toEqual(claims)
  })

  test('a revoked token that is still kept, without a question and for good', async () => {
    const { verifier, appContext, asked } = setUp()
    await verifier.verify(token)
    appContext.state = 'revoked'
    expect(verifier.verifySeen(token)).toBeUndefined()
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
    expect(asked).toHaveLength(1)
    appContext.state = 'live'
    appContext.says = undefined
    expect(verifier.verifySeen(token)).toBeUndefined()
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
  })

  test('a token that was revoked while the question was under way', async () => {
    const answer = Promise.withResolvers<AccessClaims>()
    const { verifier, appContext } = setUp({ says: answer.promise })
    const verifying = verifier.verify(token)
    appContext.state = 'revoked'
    answer.resolve(claims)
    await expect(verifying).rejects.toMatchObject(invalid)
    expect(verifier.verifySeen(token)).toBeUndefined()
  })
})

describe('when the revocation list cannot tell', () => {
  test('every check is a question', async () => {
    const { verifier, appContext, asked } = setUp()
    appContext.state = 'unknown'
    await verifier.verify(token)
    expect(verifier.verifySeen(token)).toBeUndefined()
    await verifier.verify(token)
    expect(asked).toHaveLength(2)
  })

  test('because it is not followed, a kept answer counts for nothing', async () => {
    const { verifier, appContext, asked } = setUp()
    await verifier.verify(token)
    appContext.following = false
    expect(verifier.verifySeen(token)).toBeUndefined()
    expect(await verifier.verify(token)).toEqual(claims)
    expect(asked).toHaveLength(2)
    appContext.says = 'away'
    await expect(verifier.verify(token)).rejects.toMatchObject(unavailable)
    appContext.following = true
    expect(await verifier.verify(token)).toEqual(claims)
  })
})

describe('an authority that is away', () => {
  test('makes checks unavailable, never valid; and it is asked again', async () => {
    const { verifier, appContext } = setUp({ says: 'away' })
    await expect(verifier.verify(token)).rejects.toMatchObject(unavailable)
    appContext.says = claims
    expect(await verifier.verify(token)).toEqual(claims)
  })
})

describe('checks at the same time', () => {
  test('share one question, and its failure', async () => {
    const answer = Promise.withResolvers<AccessClaims>()
    const { verifier, appContext, asked } = setUp({ says: answer.promise })
    const checks = Promise.allSettled(Array.from({ length: 50 }, () => verifier.verify(token)))
    answer.reject(refuseAtEdge('edge.identity_unavailable'))
    expect((await checks).map((one) => one.status === 'rejected' && one.reason.code)).toEqual(
      Array.from({ length: 50 }, () => 'edge.identity_unavailable'),
    )
    expect(asked).toHaveLength(1)
    appContext.says = claims
    expect(await verifier.verify(token)).toEqual(claims)
  })

  test('of different tokens do not', async () => {
    const { verifier, asked } = setUp()
    await Promise.all([verifier.verify(token), verifier.verify('other.other.other')])
    expect(asked).toHaveLength(2)
  })

  test('do not share one that began more than a second ago: its answer may be that old', async () => {
    const old = Promise.withResolvers<AccessClaims>()
    const { verifier, appContext, asked, pass } = setUp({ says: old.promise })
    const first = verifier.verify(token)
    // The cache is looked into first, so the question comes a moment after the call.
    await expect.poll(() => asked.length).toBe(1)
    pass(1_001)
    appContext.says = undefined
    await expect(verifier.verify(token)).rejects.toMatchObject(invalid)
    old.resolve(claims)
    expect(await first).toEqual(claims)
    expect(asked).toHaveLength(2)
  })
})
