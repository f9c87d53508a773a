import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../log.ts'
import { createSignal } from '../signal.ts'
import { createRevocationList, type Revocation, type RevocationFeed, type RevocationList } from './revocation-list.ts'

const realm = 'one'
const reference = { sid: 'session-1', uid: 'account-1', ver: 3 }
/** Seconds since the epoch at which an hour begins. */
const border = 277_777 * 3600
const lists: RevocationList[] = []

function setUp(options: { capacity?: number } = {}) {
  let now = border * 1000
  const list = createRevocationList({
    clock: { now: () => now },
    log: silentLogger(),
    staleAfterMs: 60_000,
    ...options,
  })
  lists.push(list)
  const changed = createSignal()
  let pending: Revocation[] = []
  let away = false
  let refusing = false
  const cursors: string[] = []
  const feed: RevocationFeed = {
    async next({ cursor, waitMs, signal }) {
      cursors.push(cursor)
      if (pending.length === 0) await changed.wait(waitMs, signal)
      if (away || (refusing && cursor === '0')) throw new Error('away')
      const revocations = pending
      pending = []
      return { cursor: String(cursors.length), revision: cursors.length, revocations }
    },
  }
  return {
    list,
    feed,
    cursors,
    pass: (ms: number) => {
      now += ms
    },
    /** Goes to so many seconds after the border. */
    passTo: (seconds: number) => {
      now = (border + seconds) * 1000
    },
    refuseRereading: (refuse: boolean) => {
      refusing = refuse
    },
    goAway: () => {
      away = true
      changed.notify()
    },
    comeBack: () => {
      away = false
      changed.notify()
    },
    publish(...revocations: Partial<Revocation>[]) {
      const until = now / 1000 + 3600
      pending = revocations.map((one) => ({
        sessionId: null,
        accountId: null,
        realm: null,
        minimumVersion: null,
        until,
        ...one,
      }))
      changed.notify()
    },
  }
}

afterEach(async () => {
  for (const list of lists.splice(0)) await list.stop()
})

const until = (condition: () => boolean) => expect.poll(condition, { timeout: 2_000, interval: 5 }).toBe(true)

describe('a revocation list', () => {
  test('cannot tell anything before the feed has answered', async () => {
    const { list } = setUp()
    expect(list.check(reference, realm)).toBe('unknown')
  })

  test('refuses a revoked session, and an account below its minimum version', async () => {
    const { list, feed, publish } = setUp()
    await list.follow(feed, 1_000)
    expect(list.check(reference, realm)).toBe('live')
    publish({ sessionId: 'session-1' }, { accountId: 'account-2', minimumVersion: 3 })
    await until(() => list.check(reference, realm) === 'revoked')
    expect(list.check({ ...reference, sid: 'session-2' }, realm)).toBe('live')
    expect(list.check({ sid: 'x', uid: 'account-2', ver: 2 }, realm)).toBe('revoked')
    expect(list.check({ sid: 'x', uid: 'account-2', ver: 3 }, realm)).toBe('live')
  })

  test('refuses an account below its minimum version of the realm, and in every realm below that of all', async () => {
    const { list, feed, publish } = setUp()
    await list.follow(feed, 1_000)
    const account = (about: Partial<Revocation>) => ({ accountId: 'account-2', ...about })
    publish(account({ realm: 'one', minimumVersion: 5 }), account({ realm: null, minimumVersion: 3 }), {
      sessionId: 'last',
    })
    await until(() => list.check({ ...reference, sid: 'last' }, 'one') === 'revoked')
    const judged = (ver: number) => ['one', 'two'].map((of) => list.check({ sid: 'x', uid: 'account-2', ver }, of))
    expect(judged(2)).toEqual(['revoked', 'revoked'])
    expect(judged(3)).toEqual(['revoked', 'live'])
    expect(judged(4)).toEqual(['revoked', 'live'])
    expect(judged(5)).toEqual(['live', 'live'])
    // A later one of another realm takes nothing back; the higher counts, in whichever order they come.
    publish(account({ realm: 'two', minimumVersion: 9 }), account({ realm: 'one', minimumVersion: 4 }))
    await until(() => judged(5)[1] === 'revoked')
    expect([judged(4), judged(5), judged(9)]).toEqual([
      ['revoked', 'revoked'],
      ['live', 'revoked'],
      ['live', 'live'],
    ])
    // A session’s tokens are refused whichever realm they are shown to, and nobody else’s.
    expect(['one', 'two'].map((of) => list.check({ sid: 'last', uid: 'x', ver: 99 }, of))).toEqual([
      'revoked',
      'revoked',
    ])
    expect(list.check({ sid: 'x', uid: 'account-3', ver: 1 }, 'one')).toBe('live')
  })

  test('forgets what no living token can concern any more', async () => {
    const { list, feed, publish, pass } = setUp()
    await list.follow(feed, 1_000)
    publish({ sessionId: 'session-1' })
    await until(() => list.size() === 1)
    pass(3 * 3600 * 1000)
    publish({ sessionId: 'session-9' })
    await until(() => list.check({ ...reference, sid: 'session-9' }, realm) === 'revoked')
    expect(list.size()).toBe(1)
  })

  // Forgetting goes by whole hours; the first of these moments is the border of one.
  test.each([
    ['at the border of an hour', 3600],
    ['just before it', 3599],
    ['just after it', 3601],
  ])('holds what ends %s for as long as that, and not two hours longer', async (_where, end) => {
    const { list, feed, publish, passTo } = setUp()
    await list.follow(feed, 1_000)
    publish(
      { sessionId: 'session-1', until: border + end },
      { accountId: 'account-2', minimumVersion: 3, until: border + end },
    )
    await until(() => list.size() === 2)
    const heard = async (moment: number, sid: string) => {
      passTo(moment)
      publish({ sessionId: sid, until: border + 9 * 3600 })
      await until(() => list.check({ sid, uid: 'x', ver: 1 }, realm) === 'revoked')
    }
    await heard(end, 'now')
    expect(list.check(reference, realm)).toBe('revoked')
    expect(list.check({ sid: 'x', uid: 'account-2', ver: 2 }, realm)).toBe('revoked')
    await heard(end + 2 * 3600, 'later')
    expect(list.check(reference, realm)).toBe('live')
    expect(list.check({ sid: 'x', uid: 'account-2', ver: 2 }, realm)).toBe('live')
    expect(list.size()).toBe(2)
  })

  test('counts twice what it hears twice no more than once, and an account by its highest version', async () => {
    const { list, feed, publish } = setUp({ capacity: 2 })
    await list.follow(feed, 1_000)
    const account = (minimumVersion: number) => ({ accountId: 'account-2', minimumVersion })
    publish({ sessionId: 'a' }, account(3), { sessionId: 'a' }, account(2))
    await until(() => list.size() === 2)
    expect(list.check({ sid: 'x', uid: 'account-2', ver: 2 }, realm)).toBe('revoked')
    expect(list.check({ sid: 'x', uid: 'account-2', ver: 3 }, realm)).toBe('live')
    expect(list.check({ ...reference, sid: 'b' }, realm)).toBe('live')
  })

  test('says that it cannot tell when the feed has been silent too long, and still refuses what it knows', async () => {
    const { list, feed, publish, goAway, pass } = setUp()
    await list.follow(feed, 1_000)
    publish({ sessionId: 'session-1' })
    await until(() => list.size() === 1)
    goAway()
    pass(60_000)
    expect(list.check({ ...reference, sid: 'session-2' }, realm)).toBe('live')
    pass(1)
    expect(list.check({ ...reference, sid: 'session-2' }, realm)).toBe('unknown')
    expect(list.check(reference, realm)).toBe('revoked')
  })

  test('says that it cannot tell when there are more revocations than it may hold', async () => {
    const { list, feed, publish } = setUp({ capacity: 2 })
    await list.follow(feed, 1_000)
    publish({ sessionId: 'a' }, { sessionId: 'b' }, { sessionId: 'c' })
    await until(() => list.check({ ...reference, sid: 'c' }, realm) === 'unknown')
    expect(list.check({ ...reference, sid: 'a' }, realm)).toBe('revoked')
  })

  test('trusts itself again only when all of it was read anew', async () => {
    const { list, feed, publish, pass, cursors, refuseRereading } = setUp({ capacity: 2 })
    await list.follow(feed, 1_000)
    publish({ sessionId: 'a' }, { sessionId: 'b' }, { sessionId: 'c' })
    await until(() => list.check({ ...reference, sid: 'c' }, realm) === 'unknown')
    refuseRereading(true)
    pass(3 * 3600 * 1000)
    publish({ sessionId: 'd' })
    await until(() => cursors.filter((cursor) => cursor === '0').length > 1)
    expect(list.check({ ...reference, sid: 'e' }, realm)).toBe('unknown')
    refuseRereading(false)
    publish({ sessionId: 'd' }, { sessionId: 'e' })
    await until(() => list.check({ ...reference, sid: 'e' }, realm) === 'revoked')
    await until(() => list.check({ ...reference, sid: 'f' }, realm) === 'live')
  })

  test('does not trust itself when what it read anew was too much again', async () => {
    const { list, feed, publish, pass, cursors, refuseRereading } = setUp({ capacity: 2 })
    await list.follow(feed, 1_000)
    publish({ sessionId: 'a' }, { sessionId: 'b' }, { sessionId: 'c' })
    await until(() => list.check({ ...reference, sid: 'c' }, realm) === 'unknown')
    refuseRereading(true)
    pass(3 * 3600 * 1000)
    publish()
    await until(() => cursors.filter((cursor) => cursor === '0').length > 1)
    refuseRereading(false)
    publish({ sessionId: 'd' }, { sessionId: 'e' }, { sessionId: 'f' })
    await until(() => list.check({ ...reference, sid: 'e' }, realm) === 'revoked')
    expect(list.check({ ...reference, sid: 'f' }, realm)).toBe('unknown')
    expect(list.check({ ...reference, sid: 'g' }, realm)).toBe('unknown')
  })

  test('gives up waiting for a feed that is away', async () => {
    const { list, feed, goAway } = setUp()
    goAway()
    await list.follow(feed, 50)
    expect(list.check(reference, realm)).toBe('unknown')
  })

  test('follows its feed while that answers, and no longer than it should have answered', async () => {
    const { list, feed, goAway, comeBack, pass, publish } = setUp()
    expect(list.following()).toBe(false)
    await list.follow(feed, 1_000)
    expect(list.following()).toBe(true)
    pass(3_000)
    expect(list.following()).toBe(true)
    pass(1)
    expect(list.following()).toBe(false)
    publish({ sessionId: 'session-1' })
    await until(() => list.following())
    for (const session of ['after the first outage', 'after the second']) {
      goAway()
      await until(() => !list.following())
      publish({ sessionId: session })
      comeBack()
      await until(() => list.following())
      expect(list.check({ ...reference, sid: session }, realm)).toBe('revoked')
    }
  })
})
