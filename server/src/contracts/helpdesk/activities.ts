import Type from 'typebox'
import { reply, route } from '../_kit/contract.ts'
import { operations } from '../_kit/operations.ts'
import { Text } from '../_kit/schema.ts'
import { invalidField, validationError } from './errors.ts'
import { entriesOf, Pagination, pageFields, paginationOf } from './pages.ts'
import { Activity, activityOf } from './user-wire.ts'
import { Failure, failure } from './wire.ts'

/** A day, or a moment, which is in UTC unless it says otherwise; empty text means none. */
const Moment = Type.Optional(
  Type.String({
    pattern: '^$|^[12]\\d{3}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?(Z|[+-]\\d\\d:\\d\\d)?)?$',
  }),
)

const firstMoment = 'T00:00:00.000Z'
const lastMoment = 'T23:59:59.999Z'

/**
 * The moment of a text.
 * @param ofDay which moment of it a mere day means
 * @returns undefined for none, an invalid date for what no calendar or clock has
 */
export function momentOf(text: string | undefined, ofDay: typeof firstMoment | typeof lastMoment): Date | undefined {
  if (!text) return undefined
  const [day = '', time] = text.split('T')
  const noSuchDay = new Date(`${day}${firstMoment}`).getUTCDate() !== Number(day.slice(-2))
  if (noSuchDay) return new Date(Number.NaN)
  if (time === undefined) return new Date(`${day}${ofDay}`)
  return new Date(/(Z|[+-]\d\d:\d\d)$/.test(time) ? text : `${text}Z`)
}

const isNoMoment = (date: Date | undefined): boolean => date !== undefined && Number.isNaN(date.getTime())

const noSuchStart = invalidField('startDate', "La date de début n'existe pas.", 'query')
const noSuchEnd = invalidField('endDate', "La date de fin n'existe pas.", 'query')

const readActivities = route('profiles', 'GET', '/api/profile/activities', {
  summary: "What happened to the caller's profile, newest first; an endDate that is a day is meant as a whole",
  access: 'person',
  query: Type.Object({
    ...pageFields,
    type: Type.Optional(Text({ maxLength: 64 })),
    startDate: Moment,
    endDate: Moment,
  }),
  replies: {
    200: Type.Object({ success: Type.Literal(true), data: Type.Array(Activity), pagination: Pagination }),
    400: Failure,
  },
  validationError,
  async handler(profiles, { query, claims, context }) {
    const from = momentOf(query.startDate, firstMoment)
    const to = momentOf(query.endDate, lastMoment)
    if (isNoMoment(from)) return reply(400, failure(noSuchStart))
    if (isNoMoment(to)) return reply(400, failure(noSuchEnd))
    const member = { accountId: claims.uid, realm: context.realm.name }
    const wanted = { ...member, type: query.type || undefined, from, to, ...entriesOf(query) }
    const { total, activities } = await profiles.activities(wanted)
    return reply(200, { success: true, data: activities.map(activityOf), pagination: paginationOf(query, total) })
  },
})

export const activityRoutes = operations('Profile', { readActivities }, { readActivities: '/api/v1/users/activities' })
