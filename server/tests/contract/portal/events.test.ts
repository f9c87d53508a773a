import { expect, inject, test } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { goodPassword, portalClient, timeText, type User, uniqueEmail } from './client.ts'

const portal = portalClient(inject('arrangement'))

interface Emitted {
  type: string
  data: unknown
}

/** What was told of a user under the portal's names, in order. */
const emittedOf = (id: number): Promise<Emitted[]> =>
  portal.rows<Emitted & { sequence: number }>(
    'profiles',
    `SELECT type, data, sequence FROM outbox_events WHERE data->>'id' = $1 AND type LIKE 'user.%' ORDER BY sequence`,
    [String(id)],
  )
const typesOf = (events: readonly Emitted[]) => events.map(({ type }) => type)

test('P-10 a user who comes, changes and goes is told of, with id and time and nothing else', async () => {
  const [admin, person] = [await portal.admin(), await portal.known()]
  const { id, token } = person
  // Who reads first does not know by which contract the account came: the event of the registration does.
  await eventually(
    () => emittedOf(id),
    (events) => expect(typesOf(events)).toEqual(['user.created']),
  )
  await portal.put(`/users/${id}`, { token, json: { name: 'Changed' } })
  await portal.patch(`/users/${id}/role`, { token: admin, json: { role: 'merchant' } })
  await portal.del(`/users/${id}`, { token: admin })
  const emitted = await eventually(
    () => emittedOf(id),
    (events) => expect(typesOf(events)).toContain('user.deleted'),
  )
  expect(typesOf(emitted)).toEqual(['user.created', 'user.updated', 'user.updated', 'user.deleted'])
  for (const { data } of emitted) expect(data).toEqual({ id, time: timeText })
})

test('P-10 a user whom an administrator adds is told of once', async () => {
  const token = await portal.admin()
  const json = { name: 'Ada', email: uniqueEmail('made'), password: goodPassword }
  const { id } = (await portal.post<User>('/users', { token, json })).body
  await portal.get(`/users/${id}`, { token })
  await portal.del(`/users/${id}`, { token })
  const emitted = await eventually(
    () => emittedOf(id),
    (events) => expect(typesOf(events)).toContain('user.deleted'),
  )
  expect(typesOf(emitted)).toEqual(['user.created', 'user.deleted'])
})
