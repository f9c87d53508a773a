import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { StartError } from '../platform/errors.ts'
import { failureText } from './failure.ts'

const failureOf = (work: Promise<unknown>) => work.then(() => expect.unreachable(), failureText)

test('what people can mend is said without a stack', async () => {
  expect(failureText(new StartError('The port is taken.'))).toBe('The port is taken.')
  expect(await failureOf(readFile('/nowhere/secret.pem'))).toBe(
    "/nowhere/secret.pem cannot be used: ENOENT: no such file or directory, open '/nowhere/secret.pem'. See that it is there, and that this user may read and write it.",
  )
  const socket = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { syscall: 'connect' })
  expect(failureText(socket)).toBe('The system refused what was needed: connect ECONNREFUSED 127.0.0.1:1.')
})

test('anything else keeps its stack', () => {
  expect(failureText(new TypeError('of ours'))).toMatch(/^TypeError: of ours\n +at /)
  expect(failureText('thrown')).toBe('thrown')
})
