import { expect, test } from 'vitest'
import { withoutSecrets } from './redaction.ts'

const secret = 'hunter2'
const hidden = '[redacted]'

// Each field's name is tried where lines are written, in the log's test.
test('a secret is not written, whatever kind of value it is', () => {
  for (const value of [secret, 482_913, { token: secret }, [secret], null])
    expect(withoutSecrets({ kept: 1, token: value })).toEqual({ kept: 1, token: hidden })
})

test.each([
  ['a mailed code', '482913', hidden],
  ['a code of five digits, as PostgreSQL has them', '23505', '23505'],
  ['a code of a Node error', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_DESTROYED'],
  ['a code of ours', 'identity.invalid_code', 'identity.invalid_code'],
  ['what only contains a code of ours', 'identity.invalid_code 482913', hidden],
  ['a word', 'secret', hidden],
])('%s: %s', (_what, code, shown) => {
  expect(withoutSecrets({ code })).toEqual({ code: shown })
  expect(withoutSecrets({ token: code })).toEqual({ token: hidden })
})

/** The field below so many objects. */
const nested = (levels: number, field: object): object => (levels === 0 ? field : { inner: nested(levels - 1, field) })

test('four levels below the line it is still found, and below that nothing is looked for', () => {
  expect(withoutSecrets(nested(4, { token: secret }))).toEqual(nested(4, { token: hidden }))
  expect(withoutSecrets(nested(5, { token: secret }))).toEqual(nested(5, { token: secret }))
})

test('two in one line, in lists and in objects without a prototype', () => {
  const bare = Object.assign(Object.create(null), { cookie: secret })
  const line = { list: [{ id: 1 }, { token: secret }], bare, password: secret }
  expect(withoutSecrets(line)).toEqual({
    list: [{ id: 1 }, { token: hidden }],
    bare: { cookie: hidden },
    password: hidden,
  })
  expect(line.list[1]).toEqual({ token: secret })
  expect(Array.isArray(withoutSecrets(line).list)).toBe(true)
})

test('what has none is the same object, and an instance of a class is left to its serializer', () => {
  class Request {
    token = secret
  }
  const line = { when: new Date(0), request: new Request(), nested: { id: 1 } }
  expect(withoutSecrets(line)).toBe(line)
})
