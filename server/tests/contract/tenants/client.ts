import pg from 'pg'
import { expect } from 'vitest'
import type { Arrangement } from '../../support/arrangements.ts'
import { type Answer, type Call, call } from '../../support/http-call.ts'
import { type Claims, claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

/** The user service as its clients see it, and what lies in its database. */

export interface UserRow {
  id: number
  email: string
  full_name: string
  role: string
  tenant_id: number
  is_active: boolean
  is_email_verified: boolean
  last_login: string | null
}

export interface Activity {
  action: string
  details: Record<string, unknown>
  ip_address: string | null
  created_at: string
}

export interface Pair {
  access_token: string
  refresh_token: string
}

export interface Message {
  message: string
}

/** What somebody signs in with. */
export interface Credentials {
  email: string
  password: string
  tenant: string
}

/** Somebody who registered and signed in. */
export interface Person extends Credentials {
  verificationToken: string
  token: string
  refreshToken: string
  claims: Claims & { tenant_id: number; role: string }
  /** The account's number, as paths name it. */
  id: number
}

export const password = 'User123!'
export const uniqueEmail = (): string => `${uniqueName('person')}@example.org`

/** The error form, exactly; with the same text as `msg` where the token is at fault. */
export function expectFailure(
  answer: Answer<unknown>,
  status: number,
  message: string | RegExp = /\S/,
  note = '',
): void {
  const text = expect.stringMatching(typeof message === 'string' ? new RegExp(`^${RegExp.escape(message)}$`) : message)
  expect({ note, status: answer.status, body: answer.body }).toEqual({ note, status, body: { message: text } })
}

export function expectTokenRefused(answer: Answer<unknown>, note = ''): void {
  const { message } = answer.body as Message
  expect({ note, status: answer.status, body: answer.body }).toEqual({
    note,
    status: 401,
    body: { message: expect.stringMatching(/\S/), msg: message },
  })
  expect(answer.headers.get('www-authenticate')).toBe('Bearer')
}

/** The validation form, with problems of exactly these fields. */
export function expectInvalid(answer: Answer<unknown>, ...fields: string[]): void {
  const errors = Object.fromEntries(fields.map((field) => [field, [expect.stringMatching(/\S/)]]))
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: 400,
    body: { message: 'Validation error', errors },
  })
}

export type TenantsClient = ReturnType<typeof tenantsClient>

/** What the tests of one arrangement do all the time. */
export function tenantsClient({ urls, postgresUrl }: Pick<Arrangement, 'urls' | 'postgresUrl'>) {
  const at = (path: string) => `${urls.gateway}${path}`
  const get = <Body = Message>(path: string, token?: string) => call<Body>('GET', at(path), { token })
  const post = <Body = Message>(path: string, json?: unknown, options: Call = {}) =>
    call<Body>('POST', at(path), { ...options, ...(json !== undefined && { json }) })
  const put = <Body = Message>(path: string, json: unknown, token?: string) =>
    call<Body>('PUT', at(path), { json, token })

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

  const signIn = async ({ email, password, tenant }: Credentials, headers = {}): Promise<Pair> => {
    const answer = await post<Pair>('/api/login', { email, password, tenant_name: tenant }, { headers })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  const sign = async (credentials: Credentials, verificationToken: string): Promise<Person> => {
    const { access_token: token, refresh_token: refreshToken } = await signIn(credentials)
    const claims = claimsOf(token) as Person['claims']
    return { ...credentials, verificationToken, token, refreshToken, claims, id: Number(claims.sub) }
  }

  let vendorExists: Promise<void> | undefined
  const vendorAccount = { email: 'vendor@example.org', password, tenant: 'the vendor' }

  /**
   * Makes the vendor unless another file did: in development the first account of the contract becomes it, so nobody may be
   * registered before.
   */
  const ensureVendor = () => {
    vendorExists ??= (async () => {
      const { email, tenant } = vendorAccount
      const made = await post('/api/register', { email, password, full_name: 'The Vendor', tenant_name: tenant })
      expect([201, 400], made.text).toContain(made.status)
      if (made.status === 400) expect(made.body).toEqual({ message: 'User already exists' })
    })()
    return vendorExists
  }

  /** Registers and signs in; whoever names a new tenant makes it. */
  const join = async (tenant: string, email = uniqueEmail()): Promise<Person> => {
    await ensureVendor()
    const json = { email, password, full_name: 'Ada Lovelace', tenant_name: tenant }
    const made = await post<{ message: string; verification_token: string }>('/api/register', json)
    expect(made.status, made.text).toBe(201)
    return sign({ email, password, tenant }, made.body.verification_token)
  }

  return {
    at,
    get,
    post,
    put,
    rows,
    signIn,
    ensureVendor,
    join,
    /** A new tenant with its administrator and one user. */
    async tenant(): Promise<{ name: string; admin: Person; user: Person }> {
      const name = uniqueName('tenant')
      const admin = await join(name)
      return { name, admin, user: await join(name) }
    },
    async vendor(): Promise<Person> {
      await ensureVendor()
      return sign(vendorAccount, '')
    },
    register: (json: Record<string, unknown>) =>
      post<{ message: string; verification_token: string }>('/api/register', json),
    refresh: (refreshToken: string) =>
      call<Pair & { message: string }>('POST', at('/api/refresh'), { token: refreshToken }),
    /** Whether the token is let in. */
    statusOf: async (token: string) => (await get('/api/users/me', token)).status,
    /** The types of the events recorded of an account, in order. */
    async events(id: string): Promise<string[]> {
      const text = 'SELECT type FROM outbox_events WHERE aggregate_id = $1 ORDER BY sequence'
      return (await rows<{ type: string }>(text, [id])).map(({ type }) => type)
    },
    /** The actions logged of an account, oldest first. */
    async actions(id: string): Promise<string[]> {
      const text = 'SELECT action FROM activities WHERE account_id = $1 ORDER BY created_at, id'
      return (await rows<{ action: string }>(text, [id])).map(({ action }) => action)
    },
  }
}
