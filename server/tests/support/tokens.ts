import { createHmac } from 'node:crypto'

export interface Claims extends Record<string, unknown> {
  sub: string
  uid: string
  sid: string
  iat: number
  exp: number
}

/** What a token says, unchecked. */
export const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims

/** A token of the given header and claims, signed HS256 with `secret`; without one the signature is empty. */
export function forgeToken(header: object, claims: object, secret?: string): string {
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${secret === undefined ? '' : createHmac('sha256', secret).update(signed).digest('base64url')}`
}
