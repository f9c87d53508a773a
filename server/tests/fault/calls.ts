import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { expect } from 'vitest'

/** One answer of the shop, read to its end. */
export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever shape they expect
  body: any
  text: string
  ms: number
}

export interface Asked {
  token?: string | undefined
  body?: unknown
  headers?: Readonly<Record<string, string>>
  deadlineMs?: number
}

/** Sends one JSON request on a connection of its own; rejects when no answer ends within the deadline. */
export async function call(base: string, method: string, path: string, asked: Asked = {}): Promise<Answer> {
  const { token, body, headers = {}, deadlineMs = 10_000 } = asked
  const began = performance.now()
  const answer = await fetch(`${base}${path}`, {
    method,
    signal: AbortSignal.timeout(deadlineMs),
    headers: {
      connection: 'close',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, body: parsed(text), text, ms: performance.now() - began }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const demo = { username: 'admin', password: 'admin' } as const

/** Signs in and gives the access token. */
export async function signIn(base: string, credentials: { username: string; password: string } = demo) {
  const { status, body, text } = await call(base, 'POST', '/auth/login', { body: credentials })
  expect(status, text).toBe(200)
  return body.data.access_token as string
}

/** Registers somebody new and gives the credentials. */
export async function register(base: string, username: string) {
  const credentials = { username, password: `password of ${username}` }
  const { status, text } = await call(base, 'POST', '/auth/register', { body: credentials })
  expect(status, text).toBe(201)
  return credentials
}

/** Expects the contract's answer to a service that is away, and nothing of the inside in it. */
export function expectUnavailable({ status, body, text }: Answer): void {
  expect({ status, body }).toEqual({
    status: 503,
    body: { success: false, error: { code: 'SERVICE_UNAVAILABLE', message: expect.any(String) } },
  })
  expectNothingOfTheInside(text)
}

/** An answer never shows a stack, an address of ours or the words of a library or of the system. */
export function expectNothingOfTheInside(text: string): void {
  expect(text).not.toMatch(
    /\bat .+:\d+:\d+|node_modules|\.ts\b|127\.0\.0\.1|localhost|E(CONN|TIMED|PIPE)\w*|UND_ERR|undici|socket|postgres|\bSQL|INTERNAL_SERVICE_TOKEN/i,
  )
}

/** Tries until `attempt` passes and gives what it gave; at the deadline its last error is thrown. */
export async function eventually<Result>(withinMs: number, attempt: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await pause(50)
    }
  }
}

/** Runs `work` on every item, `width` at a time. */
export async function inParallel<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>) {
  const waiting = items.values()
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of waiting) await work(item)
    }),
  )
}

/** Rows of a query on one database of the server that `postgresUrl` (the superuser's) names. */
export async function rowsOf<Row extends object>(postgresUrl: string, database: string, text: string): Promise<Row[]> {
  const url = new URL(postgresUrl)
  url.pathname = `/${database}`
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}
