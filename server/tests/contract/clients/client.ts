import pg from 'pg'
import { expect } from 'vitest'
import type { Arrangement } from '../../support/arrangements.ts'
import { type Answer, type Call, call } from '../../support/http-call.ts'
import { type Claims, claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'

export { type Answer, type Call, call } from '../../support/http-call.ts'

/** The clients service as its clients see it, and what lies in its database. */

export interface ClientObject {
  id: string
  email: string
  name: string
  email_verified: boolean
  mfa_enabled: boolean
  created_at: string
  updated_at: string
}

export interface Tokens {
  token: string
  expires_at: string
  refresh_token: string
}

/** Somebody who registered. */
export interface Registered {
  id: string
  email: string
  password: string
  verificationToken: string
}

/** Somebody who registered, verified and signed in. */
export interface SignedIn extends Registered {
  token: string
  refreshToken: string
  claims: Claims
}

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** ISO 8601 in UTC. */
export const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
export const unknownId = '01900000-0000-7000-8000-00000000dead'

export const uniqueEmail = (): string => `${uniqueName('client')}@example.org`

/**
 * The contract's error form, exactly.
 * @param details how many lines of detail there are, or which they are
 */
export function expectFailure(
  answer: Answer<unknown>,
  status: number,
  code: string,
  details: number | readonly (string | RegExp)[] = 0,
  note = '',
): void {
  const lines = typeof details === 'number' ? Array.from({ length: details }, () => /\S/) : details
  expect({ note, status: answer.status, body: answer.body }).toEqual({
    note,
    status,
    body: {
      error: expect.stringMatching(/\S/),
      code,
      ...(lines.length > 0 && { details: lines.map((line) => expect.stringMatching(line)) }),
    },
  })
}

export type ClientsClient = ReturnType<typeof clientsClient>

/** What the tests of one arrangement do all the time. */
export function clientsClient({ urls, postgresUrl }: Pick<Arrangement, 'urls' | 'postgresUrl'>) {
  const at = (path: string) => `${urls.gateway}${path}`
  const get = <Body = Record<string, unknown>>(path: string, options: Call = {}) => call<Body>('GET', at(path), options)
  const post = <Body = Record<string, unknown>>(path: string, json?: unknown, options: Call = {}) =>
    call<Body>('POST', at(path), { ...options, ...(json !== undefined && { json }) })

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

  const register = async (email = uniqueEmail()): Promise<Registered> => {
    const password = `password of ${email}`
    const json = { client: { email, name: 'Ada Lovelace', password } }
    const made = await post<{ client_id: string; verification_token: string }>('/api/v1/clients', json)
    expect(made.status, made.text).toBe(201)
    const { client_id: id, verification_token: verificationToken } = made.body
    return { id, email, password, verificationToken }
  }

  const verify = async ({ id, verificationToken }: Registered): Promise<void> => {
    const verified = await post(`/api/v1/clients/${id}/verify_email?token=${verificationToken}`)
    expect(verified.status, verified.text).toBe(200)
  }

  const verified = async (email?: string): Promise<Registered> => {
    const person = await register(email)
    await verify(person)
    return person
  }

  /** The first step of a sign-in. */
  const login = async ({ email, password }: Pick<Registered, 'email' | 'password'>, headers = {}) => {
    const answer = await post<{ session_token: string; mfa_code: string }>(
      '/api/v1/auth/login',
      { email, password },
      { headers },
    )
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  /** Both steps of a sign-in. */
  const signIn = async (person: Pick<Registered, 'email' | 'password'>, headers = {}): Promise<Tokens> => {
    const { session_token, mfa_code } = await login(person, headers)
    const answer = await post<Tokens>('/api/v1/auth/verify_mfa', { session_token, mfa_code }, { headers })
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  return {
    at,
    get,
    post,
    rows,
    register,
    verify,
    verified,
    login,
    signIn,
    async signedIn(email?: string): Promise<SignedIn> {
      const person = await verified(email)
      const { token, refresh_token } = await signIn(person)
      return { ...person, token, refreshToken: refresh_token, claims: claimsOf(token) }
    },
    /** Whether the token is let in. */
    statusOf: async (token: string) => (await get('/api/v1/me', { token })).status,
    /** The events recorded of an account under this contract's names, in order. */
    async events(id: string) {
      const text = `SELECT type, data FROM outbox_events WHERE aggregate_id = $1 AND type LIKE 'client.%' ORDER BY sequence`
      return rows<{ type: string; data: Record<string, unknown> }>(text, [id])
    },
  }
}

/** Another digit string of the same length. */
export const anotherCode = (code: string): string => (code === '123456' ? '654321' : '123456')
