import pg from 'pg'
import { expect } from 'vitest'
import { developmentSecret } from '../../../src/platform/dev-secret.ts'
import { deriveFrom } from '../../../src/platform/secrets.ts'
import type { Arrangement } from '../../support/arrangements.ts'
import { eventually } from '../../support/eventually.ts'
import { runCommand, testEnvironment } from '../../support/processes.ts'
import { type Claims, claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

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
  /** Sent as multipart form data. */
  form?: FormData
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

export interface Profile {
  id: string
  userId: string
  email: string | null
  firstName: string | null
  lastName: string | null
  phone: string | null
  department: string | null
  jobTitle: string | null
  avatarUrl: string | null
  preferences: {
    language: string
    theme: string
    notifications: { email: boolean; browser: boolean; sms: boolean }
    timezone: string
  }
  createdAt: string
  updatedAt: string
}

/** A profile in the administrators' list. */
export interface ListedProfile extends Profile {
  role: string
  isActive: boolean
}

export interface Activity {
  id: number
  userId: string
  activityType: string
  activityData: Record<string, unknown>
  ipAddress: string | null
  userAgent: string | null
  createdAt: string
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
  { token, json, raw, form, cookie, headers }: Call = {},
): Promise<Answer<Body>> {
  const body = json === undefined ? (raw ?? form) : JSON.stringify(json)
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
export const expectInvalid = (answer: Answer<unknown>, ...fields: string[]): void =>
  expectInvalidIn('body', answer, ...fields)

/** A 400 about fields of the query. */
export const expectInvalidQuery = (answer: Answer<unknown>, ...fields: string[]): void =>
  expectInvalidIn('query', answer, ...fields)

function expectInvalidIn(location: string, answer: Answer<unknown>, ...fields: string[]): void {
  const errors = fields.map((path) => ({ type: 'field', path, location, msg: someText }))
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
/** ISO 8601 in UTC, with milliseconds. */
export const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** An id that no account has. */
export const nobody = '00000000-0000-7000-8000-000000000000'

/** The preferences of whoever set none. */
export const usualPreferences = {
  language: 'fr',
  theme: 'light',
  notifications: { email: true, browser: true, sms: false },
  timezone: 'Europe/Paris',
} as const

/** The profile of somebody who set nothing. */
export const newProfileOf = ({ id, email }: Pick<Person, 'id' | 'email'>): Profile => ({
  id,
  userId: id,
  email,
  firstName: null,
  lastName: null,
  phone: null,
  department: null,
  jobTitle: null,
  avatarUrl: null,
  preferences: { ...usualPreferences },
  createdAt: expect.stringMatching(time),
  updatedAt: expect.stringMatching(time),
})

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
  const at = (path: string) => `${urls.auth}${path}`
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

  const register = async (prefix = 'person', more: object = {}): Promise<Person> => {
    const email = uniqueEmail(prefix)
    const json = { email, password: goodPassword, ...more }
    const made = await post<TokenAnswer>('/api/auth/register', { json })
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

  const rowsOf =
    (database: 'identity' | 'profiles') =>
    async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
      const url = new URL(postgresUrl)
      url.pathname = `/${database}`
      const client = new pg.Client({ connectionString: url.href })
      await client.connect()
      try {
        return (await client.query<Row>(text, [...values])).rows
      } finally {
        await client.end()
      }
    }
  const command = (...words: string[]) => runCommand(words, { ...testEnvironment, GUICHET_DATA_DIR: dataDir })

  /** Rows of the database `identity`. */
  const rows = rowsOf('identity')
  /** Rows of the database `profiles`. */
  const profileRows = rowsOf('profiles')

  /** The events recorded of a profile, in order. */
  const recordedOfProfile = (accountId: string) =>
    profileRows<RecordedEvent>('SELECT type, data FROM outbox_events WHERE aggregate_id = $1 ORDER BY sequence', [
      accountId,
    ])

  return {
    urls,
    at,
    get,
    post,
    login,
    signIn,
    register,
    rows,
    profileRows,
    users: userServiceClient(urls.users),
    admin: async () => (await signIn('admin@helpdesk.example', 'Admin123!')).accessToken,
    /** What another service of ours shows as its Bearer token. */
    serviceToken: async () =>
      deriveFrom(await developmentSecret(dataDir))('internal-service-token').toString('base64url'),
    /** The types of the events recorded of an account, in order. */
    async recorded(accountId: string): Promise<string[]> {
      const text = 'SELECT type FROM outbox_events WHERE aggregate_id = $1 ORDER BY sequence'
      return (await rows<{ type: string }>(text, [accountId])).map(({ type }) => type)
    },
    recordedOfProfile,
    /** Registers somebody, and waits until the user service has heard of it. */
    async profiled(): Promise<Person> {
      const person = await register()
      await eventually(
        () => recordedOfProfile(person.id),
        ({ length }) => expect(length).toBeGreaterThan(0),
      )
      return person
    },
    /** Gives somebody a role, as an operator does; their tokens so far are good no longer. */
    async grant({ email, password }: Pick<Person, 'email' | 'password'>, role: string): Promise<TokenAnswer> {
      const { code, stderr } = await command('account', 'grant', email, role, '--contract', 'helpdesk')
      expect(code, stderr).toBe(0)
      return signIn(email, password)
    },
    /** Lets the lock of a name that failed too often run out. */
    async lockOver(accountId: string) {
      await rows(
        `UPDATE sign_in_counters SET locked_until = now() - interval '1 second', expires_at = now() - interval '1 second'
          WHERE account_id = $1 AND contract = 'helpdesk'`,
        [accountId],
      )
    },
    command,
  }
}

/** Requests to the user service. */
function userServiceClient(url: string) {
  const at = (path: string) => `${url}${path}`
  const asking =
    (method: string) =>
    <Body = Record<string, unknown>>(path: string, options: Call = {}) =>
      call<Body>(method, at(path), options)
  const get = asking('GET')
  return {
    at,
    get,
    post: asking('POST'),
    put: asking('PUT'),
    del: asking('DELETE'),
    /** Somebody's own profile. */
    async profile({ token }: Pick<Person, 'token'>): Promise<Profile> {
      const answer = await get<{ data: Profile }>('/api/profile/me', { token })
      expect(answer.status, answer.text).toBe(200)
      return answer.body.data
    },
    /** What happened to somebody's own profile, newest first. */
    async activities({ token }: Pick<Person, 'token'>): Promise<Activity[]> {
      const answer = await get<{ data: Activity[] }>('/api/profile/activities', { token })
      expect(answer.status, answer.text).toBe(200)
      return answer.body.data
    },
  }
}

export interface RecordedEvent {
  type: string
  data: Record<string, unknown>
}

/** An event of the user service, exactly. */
export function expectUserEvent({ type, data }: RecordedEvent, wanted: string, { id, email }: Person, more = {}): void {
  expect({ type, data }).toEqual({
    type: wanted,
    data: {
      userId: id,
      email,
      eventId: expect.stringMatching(uuid),
      service: 'user-service',
      version: '1.0.0',
      timestamp: expect.stringMatching(time),
      ...more,
    },
  })
}

export const uniqueEmail = (prefix = 'person'): string => `${uniqueName(prefix)}@example.org`
