import { expect } from 'vitest'

export interface Answer<Body> {
  status: number
  headers: Headers
  /** The body as it came. */
  text: string
  body: Body
}

export interface Call {
  token?: string | undefined
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  raw?: string
  headers?: Record<string, string>
}

/** One request; the answer must be JSON. */
export async function call<Body = Record<string, unknown>>(
  method: string,
  url: string,
  { token, json, raw, headers }: Call = {},
): Promise<Answer<Body>> {
  const body = json === undefined ? raw : JSON.stringify(json)
  const answer = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  expect(answer.headers.get('content-type'), `${method} ${url}: ${answer.status} ${text.slice(0, 200)}`).toMatch(
    /^application\/json(; charset=utf-8)?$/,
  )
  return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) as Body }
}
