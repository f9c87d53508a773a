import { describe, expect, inject, test } from 'vitest'
import {
  call,
  expectFailure,
  expectInvalid,
  helpdeskClient,
  newProfileOf,
  nobody,
  type Person,
  uniqueEmail,
} from './client.ts'

const arrangement = inject('arrangement')
const helpdesk = helpdeskClient(arrangement)
const { users } = helpdesk

const path = '/api/v1/internal/user-registered'
const bodyOf = ({ id, email }: Pick<Person, 'id' | 'email'>) => ({
  userId: id,
  email,
  timestamp: new Date().toISOString(),
})

test('no service token opens anything that is meant for people', async () => {
  const token = await helpdesk.serviceToken()
  for (const at of ['/api/profile/me', '/api/admin/users', '/api/admin/stats', '/api/profile/activities']) {
    expectFailure(await users.get(at, { token }), 401, 'INVALID_TOKEN')
    const headers = { 'x-internal-token': token }
    expectFailure(await users.get(at, { headers }), 401, 'MISSING_TOKEN')
  }
})

if (arrangement.name === 'all')
  describe('on a gateway', () => {
    test('what only services call is not served, not even to one', async () => {
      const token = await helpdesk.serviceToken()
      const json = bodyOf(await helpdesk.register())
      for (const call of [{ json }, { json, token }, { json, headers: { 'x-internal-token': token } }]) {
        expect((await users.post(path, call)).status).toBe(404)
      }
    })
  })

if (arrangement.name !== 'all')
  describe('on the listener of the user service', () => {
    /** Somebody whose profile was lost, as that of an account that another auth service has just made. */
    async function withoutProfile(): Promise<Person> {
      const person = await helpdesk.profiled()
      await helpdesk.profileRows('DELETE FROM profiles WHERE account_id = $1', [person.id])
      await helpdesk.profileRows('DELETE FROM outbox_events WHERE aggregate_id = $1', [person.id])
      return person
    }

    test('H-01 H-11 the first time that an account is told of makes its profile, by either header', async () => {
      const serviceToken = await helpdesk.serviceToken()
      for (const credentials of [{ token: serviceToken }, { headers: { 'x-internal-token': serviceToken } }]) {
        const person = await withoutProfile()
        const first = await users.post(path, { json: bodyOf(person), ...credentials })
        expect(first.status, first.text).toBe(201)
        const message = expect.stringMatching(/\S/)
        expect(first.body).toEqual({ success: true, data: newProfileOf(person), message })
        const second = await users.post(path, { json: bodyOf(person), ...credentials })
        expect(second.status, second.text).toBe(200)
        expect(second.body).toEqual({ success: true, data: first.body.data, message })
      }
    })

    test('H-01 an account that is told of twice at once gets one profile', async () => {
      const token = await helpdesk.serviceToken()
      const person = await withoutProfile()
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => users.post(path, { token, json: bodyOf(person) })),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(7).fill(200), 201])
    })

    test('whoever is no service is 401', async () => {
      const person = await helpdesk.register()
      const json = bodyOf(person)
      expectFailure(await users.post(path, { json }), 401, 'MISSING_TOKEN')
      const almost = `${(await helpdesk.serviceToken()).slice(0, -1)}_`
      for (const token of [person.token, await helpdesk.admin(), almost, 'x']) {
        expectFailure(await users.post(path, { json, token }), 401, 'INVALID_TOKEN')
        const headers = { 'x-internal-token': token }
        expect((await users.post(path, { json, headers })).status).toBe(401)
      }
    })

    test('H-53 what does not fit is 400, and an account that there is not is 404', async () => {
      const token = await helpdesk.serviceToken()
      const person = await helpdesk.register()
      const cases: [object, string][] = [
        [{ userId: undefined }, 'userId'],
        [{ userId: 'not-a-uuid' }, 'userId'],
        [{ userId: 5 }, 'userId'],
        [{ email: undefined }, 'email'],
        [{ email: 'no address' }, 'email'],
        [{ timestamp: 5 }, 'timestamp'],
      ]
      for (const [change, field] of cases) {
        expectInvalid(await users.post(path, { token, json: { ...bodyOf(person), ...change } }), field)
      }
      const unknown = await users.post(path, { token, json: bodyOf({ id: nobody, email: uniqueEmail() }) })
      expectFailure(unknown, 404, 'USER_NOT_FOUND')
    })

    test('the internal routes of our own processes are 404 to strangers', async () => {
      const token = await helpdesk.admin()
      for (const path of ['/internal/contracts/helpdesk/api/profile/me', '/internal/events']) {
        const headers = { 'x-internal-token': 'x'.repeat(43) }
        const answer = await call('GET', users.at(path), { token, headers })
        expect(answer.status, path).toBe(404)
        expect(answer.body, path).toMatchObject({ success: false, code: 'NOT_FOUND' })
      }
    })
  })
