import type { RequestContext } from '../realm/index.ts'

/** What somebody did, as the log names it. */
export type ActivityType =
  | 'profile_created'
  | 'profile_updated'
  | 'profile_updated_by_admin'
  | 'avatar_uploaded'
  | 'avatar_deleted'
  | 'role_changed'
  | 'admin_user_deleted'

/** An entry to be logged. Its data are names of fields and ids, never what anybody wrote. */
export interface NewActivity {
  type: ActivityType
  data: Readonly<Record<string, unknown>>
  ip: string | null
  userAgent: string | null
}

/** An entry of the log. */
export interface ProfileActivity {
  id: number
  accountId: string
  type: string
  data: Readonly<Record<string, unknown>>
  ip: string | null
  userAgent: string | null
  createdAt: Date
}

/** What a request did; without one it was us, for an event or for a first reading. */
export const activityOf = (
  type: ActivityType,
  context: RequestContext | undefined,
  data: NewActivity['data'] = {},
): NewActivity => ({ type, data, ip: context?.ip ?? null, userAgent: context?.userAgent ?? null })
