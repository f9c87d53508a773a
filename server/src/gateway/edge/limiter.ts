import type { FastifyReply } from 'fastify'
import type { Contract, Route } from '../../contracts/_kit/contract.ts'
import { type Limit, type LimitClass, limitOf } from '../../contracts/_kit/limits.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { Redis } from '../../platform/redis/connection.ts'
import { countInMemory, countInRedis, type Use } from './counting.ts'

/** A request to be counted. */
export interface Counted {
  contract: Pick<Contract, 'name' | 'limits'>
  route: Pick<Route, 'limit' | 'method' | 'url' | 'aliasOf'>
  /** The address, account or name that it counts against. */
  who: string
  /** How many times the limit this one may have; once when absent. */
  times?: number
}

export type Limiter = ReturnType<typeof createLimiter>

/** Classes with one count a contract; of the others each route has its own. */
const shared: ReadonlySet<LimitClass> = new Set(['write', 'read'])

/** Characters of a caller that count: a stranger can invent names of any length. */
const longestCaller = 300

export interface LimiterOptions {
  /** Multiplies every limit: for load tests in development. */
  scale: number
  /** Contracts that nothing is counted for, in development. */
  unlimited?: readonly string[]
  /**
   * Where all processes count together. While it is away each counts by itself, from nothing: requests go on, and a caller
   * gets a further window from each process at most.
   */
  redis?: Redis | undefined
  clock?: Clock
}

/** Makes the limiter of a process: fixed windows, each beginning with the caller's first request. */
export function createLimiter({ scale, unlimited = [], redis, clock = systemClock }: LimiterOptions) {
  const counting = redis ? countInRedis(redis, clock) : countInMemory(clock)
  const off = new Set(unlimited)

  // What of a count is the same for every request of a route.
  const known = new WeakMap<Counted['route'], { contract: Counted['contract']; windows: readonly CountedWindow[] }>()
  const windowsOf = (contract: Counted['contract'], route: Counted['route']): readonly CountedWindow[] => {
    let found = known.get(route)
    if (found?.contract !== contract) {
      found = { contract, windows: windowsFor(contract, route) }
      known.set(route, found)
    }
    return found.windows
  }

  const pointsOf = (allowed: number, times: number) => Math.max(1, Math.round(allowed * times * scale))

  return {
    /** Counts a request and refuses one above the limit with `edge.rate_limited`. */
    async count({ contract, route, who, times = 1 }: Counted, reply: FastifyReply): Promise<void> {
      if (off.has(contract.name)) return
      const caller = who.slice(0, longestCaller)
      const policies: string[] = []
      let tightest: { left: number; text: string } | undefined
      for (const { name, scope, points: allowed, seconds } of windowsOf(contract, route)) {
        const points = pointsOf(allowed, times)
        const counted = counting.add(`${scope} ${caller}`, seconds)
        const use = counted instanceof Promise ? await counted : counted
        const retryAfterSeconds = secondsLeft(use)
        const left = Math.max(0, points - use.points)
        policies.push(`"${name}";q=${points};w=${seconds}`)
        if (!tightest || left < tightest.left) tightest = { left, text: `"${name}";r=${left};t=${retryAfterSeconds}` }
        const refused = use.points > points
        // draft-ietf-httpapi-ratelimit-headers; a looser count of the same request does not hide the tighter one.
        if (times === 1 || refused)
          reply.header('ratelimit-policy', policies.join(', ')).header('ratelimit', tightest.text)
        // What one window refuses does not use up the longer ones.
        if (!refused) continue
        // As earlier drafts had it, and clients of the references read it.
        reply.header('ratelimit-limit', String(points)).header('ratelimit-remaining', '0')
        reply.header('ratelimit-reset', String(retryAfterSeconds))
        throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds })
      }
    },
    /** Takes back what a request was counted, as if it had not been made. */
    async giveBack({ contract, route, who }: Omit<Counted, 'times'>): Promise<void> {
      if (off.has(contract.name)) return
      for (const { scope, seconds } of windowsOf(contract, route)) {
        await counting.giveBack(`${scope} ${who.slice(0, longestCaller)}`, seconds)
      }
    },
    /** Refuses likewise when nothing is left, and counts nothing. */
    async check({ contract, route, who, times = 1 }: Counted): Promise<void> {
      if (off.has(contract.name)) return
      for (const { scope, points } of windowsOf(contract, route)) {
        const use = await counting.look(`${scope} ${who.slice(0, longestCaller)}`)
        if (use.points >= pointsOf(points, times)) {
          throw refuseAtEdge('edge.rate_limited', { retryAfterSeconds: secondsLeft(use) })
        }
      }
    },
  }
}

const secondsLeft = ({ msLeft }: Use): number => Math.max(1, Math.ceil(msLeft / 1_000))

interface CountedWindow extends Limit {
  /** What headers call it. */
  name: string
  /** What is counted together. */
  scope: string
}

/** The windows that a route's requests count in, the shortest first. */
function windowsFor({ name, limits }: Counted['contract'], route: Counted['route']): CountedWindow[] {
  const { limit, method, url, aliasOf } = route
  const scope = shared.has(limit) ? limit : `${limit} ${method} ${aliasOf ?? url}`
  const several = [limitOf(limits, limit)].flat()
  if (several.length === 1) return several.map((one) => ({ ...one, name: limit, scope: `${name} ${scope}` }))
  return several
    .toSorted((one, other) => one.seconds - other.seconds)
    .map((one) => ({ ...one, name: `${limit}-${one.seconds}s`, scope: `${name} ${scope} ${one.seconds}` }))
}
