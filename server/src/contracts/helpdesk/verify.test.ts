import { expect, test } from 'vitest'
import { Refusal, refuseAtEdge } from '../../platform/errors.ts'
import { errors } from './errors.ts'
import { verifyRoutes } from './verify.ts'
import { failure } from './wire.ts'

test('a token that nobody can judge at the moment is neither valid nor invalid: 503', async () => {
  for (const { handler } of verifyRoutes) {
    const inquiry = { bearer: 'a.b.c', verify: () => Promise.reject(refuseAtEdge('edge.unavailable')) }
    const refusal = await handler({} as never, inquiry as never).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refusal)
    expect(refusal).toMatchObject({ code: 'edge.unavailable' })
  }
  const { status, message } = errors['edge.unavailable']
  expect(status).toBe(503)
  expect(failure(errors['edge.unavailable'])).toMatchObject({ success: false, message, error: message })
})
