import { expect, test } from 'vitest'
import { DomainError, refuseAtEdge } from '../../platform/errors.ts'
import { errors } from './errors.ts'
import { verifyRoutes } from './verify.ts'
import { failure } from './wire.ts'

test('a token that nobody can judge at the moment is neither valid nor invalid: 503', async () => {
  for (const { handler } of verifyRoutes) {
    const input = { context: { bearer: 'a.b.c' }, verify: () => Promise.reject(refuseAtEdge('edge.unavailable')) }
    const domainError = await handler({} as never, input as never).catch((error: unknown) => error)
    expect(domainError).toBeInstanceOf(DomainError)
    expect(domainError).toMatchObject({ code: 'edge.unavailable' })
  }
  const { status, message } = errors['edge.unavailable']
  expect(status).toBe(503)
  expect(failure(errors['edge.unavailable'])).toMatchObject({ success: false, message, error: message })
})
