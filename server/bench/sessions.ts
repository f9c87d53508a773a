import { randomBytes } from 'node:crypto'
import { type BetterAuth, installBetterAuth, startBetterAuth } from './better-auth.ts'
import { type BenchServer, credentials, jsonHeaders, startServer } from './guichet.ts'
import { type Load, requestsPerSecond } from './load.ts'
import type { Result } from './result.ts'
import { openTokenBench } from './tokens.ts'
import { inTurns } from './turns.ts'

const connections = 16
/** Answers come by the thousand where no password is hashed, and by the dozen where one is. */
const quickSeconds = 1
const inProcessMs = 500
const hashedSeconds = 3
const readBar = 15
const hashedBar = 7

type RequestLoad = Omit<Load, 'seconds' | 'connections'>

interface Comparison {
  what: string
  /** Ratio to reach; without one the figures are only shown. */
  bar?: number
  seconds: number
  /** Made anew for each turn. */
  ours: () => Promise<RequestLoad>
  theirs: () => Promise<RequestLoad>
}

/** What a session costs, against Better Auth on the same PostgreSQL server under the same load, in turns. */
export async function measureSessions(): Promise<Result[]> {
  const version = await installBetterAuth()
  const server = await startServer()
  try {
    const betterAuth = await startBetterAuth(server.dataDir)
    try {
      const cookie = await betterAuth.signUp(betterAuth.email)
      const results = await inProcess(betterAuth, cookie, version)
      for (const comparison of await comparisons(server, betterAuth, cookie)) {
        results.push(await compare(comparison, version))
      }
      return results
    } finally {
      await betterAuth.stop()
    }
  } finally {
    await server.stop()
  }
}

async function inProcess(betterAuth: BetterAuth, cookie: string, version: string): Promise<Result[]> {
  const theirs = () => betterAuth.lookupsPerSecond(cookie, inProcessMs)
  const tokens = await openTokenBench()
  try {
    for (const warmUp of [tokens.unseen, theirs]) await warmUp()
    const seen = await inTurns(() => tokens.seen(inProcessMs), theirs)
    const unseen = await inTurns(tokens.unseen, theirs)
    return [
      resultOf({ what: 'in process: a token seen before, getSession', bar: readBar }, seen, version),
      resultOf({ what: 'in process: a token not seen before, getSession' }, unseen, version),
    ]
  } finally {
    await tokens.stop()
  }
}

async function comparisons(server: BenchServer, betterAuth: BetterAuth, cookie: string): Promise<Comparison[]> {
  const bearer = { authorization: `Bearer ${server.token}` }
  const post = (path: string, body = '') =>
    ({ method: 'POST', headers: jsonHeaders, url: `${server.url}${path}`, body }) as const
  const postTheirs = (path: string, body = '') =>
    ({ method: 'POST', headers: betterAuth.headers, url: `${betterAuth.url}/api/auth${path}`, body }) as const
  const extending = await extendingSessions(betterAuth)
  const getSession = async () => ({ url: `${betterAuth.url}/api/auth/get-session`, headers: { cookie } })
  return [
    {
      what: 'GET /users/profile, get-session',
      bar: readBar,
      seconds: quickSeconds,
      ours: async () => ({ url: `${server.url}/users/profile`, headers: bearer }),
      theirs: getSession,
    },
    {
      what: 'POST /auth/verify, get-session',
      bar: readBar,
      seconds: quickSeconds,
      ours: async () => post('/auth/verify', JSON.stringify({ token: server.token })),
      theirs: getSession,
    },
    {
      what: 'refresh, get-session that extends',
      seconds: quickSeconds,
      ours: () => refreshing(server),
      theirs: async () => extending,
    },
    {
      what: 'sign-in, argon2id against scrypt',
      bar: hashedBar,
      seconds: hashedSeconds,
      ours: async () => post('/auth/login', credentials),
      theirs: async () => {
        const { email, password } = betterAuth
        return postTheirs('/sign-in/email', JSON.stringify({ email, password }))
      },
    },
    {
      what: 'registration, argon2id against scrypt',
      bar: hashedBar,
      seconds: hashedSeconds,
      ours: async () => ({
        ...post('/auth/register'),
        next: () => ({ body: JSON.stringify({ username: newName(), password: newName() }) }),
      }),
      theirs: async () => ({
        ...postTheirs('/sign-up/email'),
        next: () => {
          const name = newName()
          return { body: JSON.stringify({ name, email: `${name}@example.com`, password: newName() }) }
        },
      }),
    },
  ]
}

/** Each connection replaces the token that its last answer held: a pool of as many, since a token in use is out of it. */
async function refreshing({ url }: BenchServer): Promise<RequestLoad> {
  const signIn = async () => {
    const answer = await fetch(`${url}/auth/login`, { method: 'POST', headers: jsonHeaders, body: credentials })
    return refreshTokenOf(await answer.text())
  }
  const free = await Promise.all(Array.from({ length: connections }, signIn))
  return {
    url: `${url}/auth/refresh`,
    method: 'POST',
    headers: jsonHeaders,
    next: () => ({ body: JSON.stringify({ refresh_token: free.pop() }) }),
    answered: (body) => free.push(refreshTokenOf(body)),
  }
}

/** One session for each connection, in turn, so that two requests hardly ever write to one row at a time. */
async function extendingSessions({ url, signUp }: BetterAuth): Promise<RequestLoad> {
  const cookies: string[] = []
  for (let made = 0; made < connections; made += 1) cookies.push(await signUp(`${newName()}@example.com`))
  let sent = 0
  return {
    url: `${url}/api/renewing/get-session`,
    next: () => {
      sent += 1
      return { headers: { cookie: cookies[sent % cookies.length] ?? '' } }
    },
  }
}

async function compare({ what, bar, seconds, ours, theirs }: Comparison, version: string): Promise<Result> {
  const rate = async (request: () => Promise<RequestLoad>, during = seconds) =>
    requestsPerSecond({ ...(await request()), connections, seconds: during })
  for (const warmUp of [ours, theirs]) await rate(warmUp, 1)
  const rates = await inTurns(
    () => rate(ours),
    () => rate(theirs),
  )
  return resultOf({ what, ...(bar !== undefined && { bar }) }, rates, version)
}

function resultOf(
  { what, bar }: Pick<Comparison, 'what' | 'bar'>,
  { ours, theirs, ratio }: Awaited<ReturnType<typeof inTurns>>,
  version: string,
): Result {
  return {
    what: `${what} of Better Auth ${version}`,
    measured: `${ratio.toFixed(1)} x  (${ours.toFixed(0)}/s against ${theirs.toFixed(1)}/s)`,
    ...(bar !== undefined && { bar: `>= ${bar} x` }),
    met: bar === undefined || ratio >= bar,
  }
}

const refreshTokenOf = (answer: string): string =>
  (JSON.parse(answer) as { data: { refresh_token: string } }).data.refresh_token

const newName = () => `bench-${randomBytes(8).toString('hex')}`
