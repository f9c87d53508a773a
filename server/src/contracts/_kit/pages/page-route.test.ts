import { describe, expect, test } from 'vitest'
import { contextOf, testRealm } from '../../../../tests/support/identity-service.ts'
import { DomainError, refuseAtEdge } from '../../../platform/errors.ts'
import { formAnswer, linkAnswer } from './page-route.ts'

const context = contextOf(testRealm, { locale: 'en' })
const failing = (code: string) => async (): Promise<string> => {
  throw new DomainError(code)
}
const again = (problem: string) => `again: ${problem}`

describe('a page says what a person can mend, and nothing else', () => {
  test.each([
    ['identity.invalid_link', 'This link has expired'],
    ['identity.wrong_password', 'again: The password is wrong.'],
    ['identity.invalid_code', 'again: The code is wrong'],
    ['identity.password_too_short', 'again: This password is too short.'],
  ])('a form, of %s', async (code, says) => {
    const answer = await formAnswer(context, failing(code), again)
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining(says)])
  })

  test('a link that leads nowhere', async () => {
    const answer = await linkAnswer(context, failing('identity.invalid_link'))
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('This link has expired')])
  })

  test.each(['identity.busy', 'edge.unavailable'])('of %s it leaves the word to the contract', async (code) => {
    for (const answer of [formAnswer(context, failing(code), again), linkAnswer(context, failing(code))])
      await expect(answer).rejects.toMatchObject({ code })
    const broken = async (): Promise<string> => Promise.reject(refuseAtEdge('edge.unavailable'))
    await expect(linkAnswer(context, broken)).rejects.toMatchObject({ code: 'edge.unavailable' })
  })

  test('what went well is a page', async () => {
    expect(await formAnswer(context, async () => 'done', again)).toMatchObject({ status: 200, body: 'done' })
    expect(await linkAnswer(context, async () => 'done')).toMatchObject({ status: 200, body: 'done' })
  })
})
