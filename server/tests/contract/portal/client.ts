import { STATUS_CODES } from 'node:http'
import pg from 'pg'
import { request } from 'undici'
import { expect } from 'vitest'
import type { Arrangement } from '../../support/arrangements.ts'
import { eventually } from '../../support/eventually.ts'
import { type Claims, claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

/** The portal as its clients see it, at its gateway and at its user service, and what lies in its databases. */

export interface Answer<Body> {
  status: number
  headers: Headers
  /** The body as it came. */
  text: string
  body: Body
  /** The `Set-Cookie` headers, by the cookie's name. */
  cookies: Readonly<Record<string, SetCookie>>
  /** The path that was asked, without its query. */
  path: string
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

export interface User {
  id: number
  name: string
  email: string
  role: string
  createdAt: string
  updatedAt: string
  /** After a change: what is left to do. */
  message?: string
}

export interface SignedIn {
  user: User
  message: string
  accessToken?: string
  refreshToken?: string
}

/** Somebody who registered, and is signed in by that. */
export interface Person {
  id: number
  name: string
  email: string
  password: string
  token: string
  refreshToken: string
  claims: Claims
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD'

/** One request to a listener, or to a host on one; `fetch` cannot say which host it means. The answer may be anything. */
export async function ask(
  method: Method,
  url: string,
  { token, json, raw, cookie, headers }: Call = {},
  host?: string,
): Promise<Answer<unknown>> {
  const body = json === undefined ? raw : JSON.stringify(json)
  const answer = await request(url, {
    method,
    headers: {
      ...(host !== undefined && { host }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(cookie !== undefined && { cookie }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
  const text = await answer.body.text()
  const received = new Headers()
  for (const [name, values = []] of Object.entries(answer.headers)) {
    for (const value of [values].flat()) received.append(name, value)
  }
  const cookies = Object.fromEntries(received.getSetCookie().map(readCookie))
  return { status: answer.statusCode, headers: received, text, body: text, cookies, path: new URL(url).pathname }
}

/** One request; the answer must be JSON. */
export async function call<Body = Record<string, unknown>>(
  method: Method,
  url: string,
  how: Call = {},
  host?: string,
): Promise<Answer<Body>> {
  const answer = await ask(method, url, how, host)
  const note = `${method} ${url}: ${answer.status} ${answer.text.slice(0, 300)}`
  expect(answer.headers.get('content-type'), note).toMatch(/^application\/json(; charset=utf-8)?$/)
  return { ...answer, body: JSON.parse(answer.text) as Body }
}

function readCookie(line: string): [string, SetCookie] {
  const [pair = '', ...rest] = line.split(/; */)
  const [name = '', value = ''] = pair.split('=')
  const attributes = rest.map((part) => part.split('=')).map(([key = '', said = '']) => [key.toLowerCase(), said])
  return [name, { value, attributes: Object.fromEntries(attributes) }]
}

export const someText = expect.stringMatching(/\S/)
export const timeText = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

/** The contract's error form, exactly; its text in full, or anything to read. Lists are of requests whose fields are at fault. */
export function expectFailure(
  answer: Answer<unknown>,
  status: number,
  message: string | readonly string[] = someText,
  more: object = {},
): void {
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: { message, error: STATUS_CODES[status], statusCode: status, timestamp: timeText, path: answer.path, ...more },
  })
}

/** A user, exactly. */
export const userLike = (fields: Partial<User> = {}): User => ({
  id: expect.any(Number),
  name: someText,
  email: expect.stringMatching(/@/),
  role: 'delivery_person',
  createdAt: timeText,
  updatedAt: timeText,
  ...fields,
})

/** Both tokens as cookies that no script reads, in development not yet Secure; gives them. */
export function expectCookies({ cookies }: Answer<unknown>): { accessToken: string; refreshToken: string } {
  const attributes = { path: '/', httponly: '', samesite: 'Strict' }
  expect(cookies.accessToken).toEqual({
    value: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    attributes: { ...attributes, 'max-age': '900' },
  })
  expect(cookies.refreshToken).toEqual({
    value: expect.stringMatching(/^[\w-]{86}$/),
    attributes: { ...attributes, 'max-age': String(7 * 24 * 3600) },
  })
  return { accessToken: cookies.accessToken?.value ?? '', refreshToken: cookies.refreshToken?.value ?? '' }
}

/** Both cookies are taken away again. */
export function expectCookiesCleared({ cookies }: Answer<unknown>): void {
  const attributes = { path: '/', httponly: '', samesite: 'Strict', 'max-age': '0' }
  for (const name of ['accessToken', 'refreshToken']) expect(cookies[name], name).toEqual({ value: '', attributes })
}

export const goodPassword = 'Correct-horse7'
export const uniqueEmail = (prefix = 'person'): string => `${uniqueName(prefix)}@example.org`

interface Mail {
  contract: string
  kind: string
  to: string
  text: string
}

export type PortalClient = ReturnType<typeof portalClient>
export type PortalListener = ReturnType<typeof listenerAt>

/** What is asked of one listener of the portal. */
function listenerAt(url: string, host: string | undefined) {
  const at = (path: string) => `${url}${path}`
  const by =
    (method: Method) =>
    <Body = Record<string, unknown>>(path: string, how: Call = {}) =>
      call<Body>(method, at(path), how, host)
  return {
    get: by('GET'),
    post: by('POST'),
    put: by('PUT'),
    patch: by('PATCH'),
    del: by('DELETE'),
    call: <Body = Record<string, unknown>>(method: Method, path: string, how: Call = {}) =>
      call<Body>(method, at(path), how, host),
    /** An answer that need not be JSON. */
    ask: (method: Method, path: string, how: Call = {}) => ask(method, at(path), how, host),
  }
}

/** What the tests of one arrangement do all the time; what names no listener is asked of the gateway. */
export function portalClient({ urls, hosts, postgresUrl }: Arrangement) {
  const gateway = listenerAt(urls.gateway, hosts.portal)
  const users = listenerAt(urls.users, hosts.portal)

  const login = (email: string, password: string, how: Call = {}) =>
    gateway.post<SignedIn>('/auth/login', { json: { email, password }, ...how })

  const personOf = (answer: Answer<SignedIn>, password: string): Person => {
    const { accessToken: token, refreshToken } = expectCookies(answer)
    const { id, name, email } = answer.body.user
    return { id, name, email, password, token, refreshToken, claims: claimsOf(token) }
  }

  const signIn = async (email: string, password: string): Promise<Person> => {
    const answer = await login(email, password)
    expect(answer.status, answer.text).toBe(200)
    return personOf(answer, password)
  }

  const register = async (prefix = 'person'): Promise<Person> => {
    const json = { name: `Some ${prefix}`, email: uniqueEmail(prefix), password: goodPassword }
    const made = await gateway.post<SignedIn>('/auth/register', { json })
    expect(made.status, made.text).toBe(201)
    return personOf(made, goodPassword)
  }

  /** Rows of one of the databases. */
  const rows = async <Row extends pg.QueryResultRow>(
    database: 'identity' | 'profiles',
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => {
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

  return {
    gateway,
    users,
    /** Where the same routes are served, by name. */
    listeners: Object.entries({ gateway, users }),
    ...gateway,
    login,
    signIn,
    register,
    /** Somebody who registered, and whom administrators find: a profile is made by an event, or when its owner reads it first. */
    async known(): Promise<Person> {
      const person = await register()
      const own = await gateway.get('/users/me', { token: person.token })
      expect(own.status, own.text).toBe(200)
      return person
    },
    admin: async () => (await signIn('admin@portal.example', 'Admin-portal-123!')).token,
    rows,
    /** The newest mail to an address, once it is there. */
    async mailTo(email: string, kind: string): Promise<Mail> {
      const read = async () => {
        const answer = await ask('GET', `${urls.users}/dev/mailbox`, { headers: { accept: 'application/json' } })
        expect(answer.status, answer.text).toBe(200)
        return (JSON.parse(answer.text) as Mail[]).filter((mail) => mail.to === email && mail.kind === kind)
      }
      const [mail] = await eventually(read, (mails) => expect(mails.length).toBeGreaterThan(0))
      return mail!
    },
  }
}
