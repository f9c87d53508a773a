import pg from 'pg'
import { expect } from 'vitest'
import { developmentSecret } from '../../src/platform/dev-secret.ts'
import { deriveFrom } from '../../src/platform/secrets.ts'
import type { Arrangement } from './arrangements.ts'
import { runCommand, testEnvironment } from './processes.ts'
import { type Claims, claimsOf, uniqueName } from './shop-client.ts'

/** The helpdesk as its clients see it, and what lies in its database. */

export interface Answer<Body> {
  status: number
  headers: Headers
  /** The body as it came. */
  text: string
  body: Body
  /** The `Set-Cookie` headers, by the cookie's name. */
  cookies: Readonly<Record<string, SetCookie>>
}

export interface SetCookie {
  value: string
  /** In lower case; an attribute without a value is empty. */
  attributes: Readonly<Record<string, string>>
}

export interface Call {
  token?: string | undefined
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  raw?: string
  cookie?: string | undefined
  headers?: Record<string, string>
}

export interface ShortUser {
  id: string
  userId: string
  email: string
  role: string
}

export interface LongUser extends ShortUser {
  isActive: boolean
  emailVerified: boolean
  createdAt: string
  lastLogin: string | null
}

export interface TokenAnswer {
  accessToken: string
  token: string
  refreshToken: string
  expiresIn: string
  user: ShortUser
}

export interface Failed {
  success: false
  message: string
  error: string
  code?: string
  errors?: unknown
  session_token?: string
  mfa_code?: string
}

/** Somebody who registered, and is signed in by that. */
export interface Person {
  email: string
  password: string
  id: string
  token: string
  refreshToken: string
  claims: Claims
}

/** One request; the answer must be JSON and say whether it is a success, as one of the clients requires of every answer. */
export async function call<Body = Record<string, unknown>>(
  method: string,
  url: string,
  { token, json, raw, cookie, headers }: Call = {},
): Promise<Answer<Body>> {
  const body = json === undefined ? raw : JSON.stringify(json)
  const answer = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(cookie !== undefined && { cookie }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  const note = `${method} ${url}: ${answer.status} ${text.slice(0, 300)}`
  expect(answer.headers.get('content-type'), note).toMatch(/^application\/json(; charset=utf-8)?$/)
  const parsed = JSON.parse(text) as Body & { success: boolean }
  expect(parsed.success, note).toBe(answer.status < 400)
  const cookies = Object.fromEntries(answer.headers.getSetCookie().map(readCookie))
  return { status: answer.status, headers: answer.headers, text, body: parsed, cookies }
}

function readCookie(line: string): [string, SetCookie] {
  const [pair = '', ...rest] = line.split(/; */)
  const [name = '', value = ''] = pair.split('=')
  const attributes = rest.map((part) => part.split('=')).map(([key = '', said = '']) => [key.toLowerCase(), said])
  return [name, { value, attributes: Object.fromEntries(attributes) }]
}

const someText = expect.stringMatching(/\S/)

/** The contract's error form, exactly: the same text as `message` and as `error`. */
export function expectFailure(answer: Answer<unknown>, status: number, code: string, more: object = {}): void {
  const { message } = answer.body as { message?: unknown }
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: { success: false, message: someText, error: message, code, ...more },
  })
}

/** A 400 about fields of the body: in express-validator's form, and without the values. */
export function expectInvalid(answer: Answer<unknown>, ...fields: string[]): void {
  const errors = fields.map((path) => ({ type: 'field', path, location: 'body', msg: someText }))
  expectFailure(answer, 400, 'VALIDATION_ERROR', { errors })
}

/** The 401 of verify, exactly. */
export function expectNotVerified(answer: Answer<unknown>, note = ''): void {
  const { message } = answer.body as { message?: unknown }
  const body = { success: false, valid: false, error: message, message: someText }
  expect({ note, status: answer.status, body: answer.body }).toEqual({ note, status: 401, body })
}

/** A token answer, exactly: every form that a client reads, with one and the same pair. */
export function expectTokens(answer: Answer<TokenAnswer>, status: number, email: string, role = 'user'): TokenAnswer {
  expect(answer.status, answer.text).toBe(status)
  const { accessToken, refreshToken, user } = answer.body
  expect(answer.body).toEqual({
    success: true,
    message: someText,
    accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    token: accessToken,
    refreshToken: expect.stringMatching(/^[\w-]{86}$/),
    expiresIn: '24h',
    user: { id: expect.stringMatching(uuid), userId: user.id, email, role },
    data: { accessToken, refreshToken, user },
  })
  expectRefreshCookie(answer, refreshToken)
  return answer.body
}

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The cookie that keeps a refresh token, in development not yet Secure. */
export function expectRefreshCookie(answer: Answer<unknown>, value: string): void {
  const attributes = { path: '/api/auth', httponly: '', samesite: 'Strict', 'max-age': String(7 * 24 * 3600) }
  expect(answer.cookies.refreshToken).toEqual({ value, attributes })
}

/** The cookie is taken away again. */
export function expectRefreshCookieCleared(answer: Answer<unknown>): void {
  const attributes = { path: '/api/auth', httponly: '', samesite: 'Strict', 'max-age': '0' }
  expect(answer.cookies.refreshToken).toEqual({ value: '', attributes })
}

export const goodPassword = 'Correct-horse7'

export type HelpdeskClient = ReturnType<typeof helpdeskClient>

/** What the tests of one arrangement do all the time. */
export function helpdeskClient({ urls, postgresUrl, dataDir }: Arrangement) {
  const at = (path: string) => `${urls.gateway}${path}`
  const get = <Body = Record<string, unknown>>(path: string, options: Call = {}) => call<Body>('GET', at(path), options)
  const post = <Body = Record<string, unknown>>(path: string, options: Call = {}) =>
    call<Body>('POST', at(path), options)

  const login = (email: string, password: string, options: Call = {}) =>
    post<TokenAnswer>('/api/auth/login', { json: { email, password }, ...options })

  const signIn = async (email: string, password: string): Promise<TokenAnswer> => {
    const answer = await login(email, password)
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  const register = async (prefix = 'person'): Promise<Person> => {
    const email = uniqueEmail(prefix)
    const made = await post<TokenAnswer>('/api/auth/register', { json: { email, password: goodPassword } })
    expect(made.status, made.text).toBe(201)
    const { accessToken, refreshToken, user } = made.body
    return {
      email,
      password: goodPassword,
      id: user.id,
      token: accessToken,
      refreshToken,
      claims: claimsOf(accessToken),
    }
  }

  /** Rows of the database `identity`. */
  const rows = async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
    const url = new URL(postgresUrl)
    url.pathname = '/identity'
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    try {
      return (await client.query<Row>(text, [...values])).rows
    } finally {
      await client.end()
    }
  }

  return {
    urls,
    at,
    get,
    post,
    login,
    signIn,
    register,
    rows,
    admin: async () => (await signIn('admin@helpdesk.example', 'Admin123!')).accessToken,
    /** What another service of ours shows as its Bearer token. */
    serviceToken: async () =>
      deriveFrom(await developmentSecret(dataDir))('internal-service-token').toString('base64url'),
    /** The types of the events recorded of an account, in order. */
    async recorded(accountId: string): Promise<string[]> {
      const text = 'SELECT type FROM outbox_events WHERE aggregate_id = $1 ORDER BY sequence'
      return (await rows<{ type: string }>(text, [accountId])).map(({ type }) => type)
    },
    /** Lets the lock of a name that failed too often run out. */
    async lockOver(accountId: string) {
      await rows(
        `UPDATE sign_in_counters SET locked_until = now() - interval '1 second', expires_at = now() - interval '1 second'
          WHERE account_id = $1 AND contract = 'helpdesk'`,
        [accountId],
      )
    },
    command: (...words: string[]) => runCommand(words, { ...testEnvironment, GUICHET_DATA_DIR: dataDir }),
  }
}

export const uniqueEmail = (prefix = 'person'): string => `${uniqueName(prefix)}@example.org`
