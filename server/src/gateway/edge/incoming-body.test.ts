import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchBody } from './incoming-body.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A body of at most 100 bytes, of which the next has to come within 1 s and the last within 5 s. */
function watched() {
  const request = new EventEmitter() as EventEmitter & { destroyed: boolean; readableEnded: boolean }
  Object.assign(request, { destroyed: false, readableEnded: false })
  const limits = { maxBytes: 100, idleMs: 1_000, totalMs: 5_000 }
  const { signal, stop } = watchBody(request as unknown as IncomingMessage, limits, 'profiles.upload_too_large')
  return {
    request,
    stop,
    send: (bytes: number) => request.emit('data', Buffer.alloc(bytes)),
    refusal: () => (signal.aborted ? (signal.reason as { code: string }).code : undefined),
  }
}

test('the time without a byte begins anew with each', () => {
  const { send, refusal } = watched()
  for (let turn = 0; turn < 4; turn += 1) {
    vi.advanceTimersByTime(999)
    expect(refusal()).toBeUndefined()
    send(1)
  }
  vi.advanceTimersByTime(999)
  expect(refusal()).toBeUndefined()
  vi.advanceTimersByTime(1)
  expect(refusal()).toBe('edge.request_timeout')
})

test('the time of the whole does not', () => {
  const { send, refusal } = watched()
  for (let turn = 0; turn < 9; turn += 1) {
    vi.advanceTimersByTime(550)
    send(1)
  }
  expect(refusal()).toBeUndefined()
  vi.advanceTimersByTime(50)
  expect(refusal()).toBe('edge.request_timeout')
})

test('the limit is on the sum of all pieces, and it itself fits', () => {
  const { send, refusal } = watched()
  send(60)
  send(40)
  expect(refusal()).toBeUndefined()
  send(1)
  expect(refusal()).toBe('profiles.upload_too_large')
})

test.each([
  ['closed before its end', { destroyed: false, readableEnded: false }, ['close'], 'edge.bad_request'],
  ['closed after its end', { destroyed: false, readableEnded: true }, ['end', 'close'], undefined],
  ['broken', { destroyed: false, readableEnded: false }, ['error'], 'edge.bad_request'],
] as const)('a body that is %s', (_what, state, events, code) => {
  const { request, refusal } = watched()
  Object.assign(request, state)
  for (const event of events) request.emit(event)
  vi.advanceTimersByTime(4_999)
  expect(refusal()).toBe(code ?? undefined)
})
