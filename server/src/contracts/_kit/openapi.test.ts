import Type from 'typebox'
import { expect, test } from 'vitest'
import type { Contract, Route } from './contract.ts'
import { openApiOf } from './openapi.ts'

const some = (url: string, more: Partial<Route> = {}): Route => ({
  service: 'identity',
  method: 'GET',
  url,
  summary: 'Something',
  access: 'public',
  limit: 'read',
  replies: { 200: Type.Object({ ok: Type.Boolean() }) },
  handler: async () => ({ status: 200, body: { ok: true } }),
  ...more,
})

// Only what the document is made from.
const contract = (routes: Route[]) =>
  ({ name: 'desk', title: 'Desk', routes, failureSchema: Type.Object({ error: Type.String() }) }) as unknown as Contract

interface Operation {
  security?: unknown
  responses: Record<string, { content?: unknown }>
}
const pathsOf = (routes: Route[], served?: Route[]) =>
  openApiOf(contract(routes), served).paths as Record<string, Record<string, Operation>>

test.each([
  ['public', false, false],
  ['person', true, false],
  ['person_or_service', true, false],
  ['accounts:read', true, true],
  ['orders:manage', true, true],
] as const)('%s wants a token: %s, can be forbidden: %s', (access, token, forbidden) => {
  const operation = pathsOf([some('/a', { access })])['/a']?.get
  expect(operation?.security).toEqual(token ? [{ bearer: [] }] : undefined)
  expect('401' in (operation?.responses ?? {})).toBe(token)
  expect('403' in (operation?.responses ?? {})).toBe(forbidden)
})

test('only what is served is told, and no page for people', () => {
  const routes = [some('/a/:id'), some('/b'), some('/page', { html: true })]
  expect(Object.keys(pathsOf(routes))).toEqual(['/a/{id}', '/b'])
  expect(Object.keys(pathsOf(routes, routes.slice(1)))).toEqual(['/b'])
})

test('methods of one path stand together', () => {
  expect(Object.keys(pathsOf([some('/a'), some('/a', { method: 'DELETE' })])['/a'] ?? {})).toEqual(['get', 'delete'])
})

test('an answer without content has none', () => {
  const { responses } = pathsOf([some('/a', { replies: { 204: Type.Null() } })])['/a']?.get ?? { responses: {} }
  expect(responses['204']).toEqual({ description: 'Done; there is nothing to say' })
  expect(responses['500']?.content).toBeDefined()
})
