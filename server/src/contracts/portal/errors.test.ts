import { expect, test } from 'vitest'
import { errors, failure, invalid, validationError } from './errors.ts'

const at = { path: '/users/5' }

test('the form says the status in words and in digits, when, and where', () => {
  expect(failure(errors['identity.username_taken'], {}, at)).toEqual({
    message: 'A user with this email already exists',
    error: 'Conflict',
    statusCode: 409,
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    path: '/users/5',
  })
})

test('every answer has a status that has a name', () => {
  const nameless = Object.entries(errors).filter(([, { status, code }]) => status < 400 || !/^[A-Z][\w -]+$/.test(code))
  expect(nameless).toEqual([])
})

test('what is wrong with the fields is a list, without repetitions', () => {
  const problems = ['identity.email_invalid', 'identity.username_invalid', 'identity.password_too_short', 'nonsense']
  const texts = ['email must be an email', 'password must be longer than or equal to 12 characters']
  expect(failure(errors['identity.email_invalid'], { problems }, at).message).toEqual(texts)
  expect(failure(errors['edge.bad_request'], invalid('one', 'two', 'one'), at).message).toEqual(['one', 'two'])
})

test('an unknown address is named with its method; a user who is not there is not an unknown address', () => {
  const details = { method: 'PATCH', path: '/users/5' }
  expect(failure(errors['edge.not_found'], details, at).message).toBe('Cannot PATCH /users/5')
  expect(failure(errors['profiles.not_found'], details, at).message).toBe('User not found')
})

test('a part that does not fit its schema is named, and its value is not repeated', () => {
  const told = (path: string, message: string) =>
    validationError({ part: 'querystring', path, keyword: 'maximum', message }).details
  expect(told('/limit', 'must be <= 1000')).toEqual({ errors: ['limit must be <= 1000'] })
  expect(told('', 'must be object')).toEqual({ errors: ['The body must be object'] })
})
