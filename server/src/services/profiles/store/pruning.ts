import { sql } from '../../../platform/db/database.ts'

export { eraseFurther, markErased } from './removals.ts'
export { pruneDepartments, pruneTotals } from './totals.ts'

export const pruneActivities = () => sql`SELECT keep_activity_partitions()`

/** Removed profiles are remembered as long as handled events are. */
export const pruneRemoved = () => sql`
  DELETE FROM removed_profiles WHERE (account_id, realm) IN (
    SELECT account_id, realm FROM removed_profiles WHERE removed_at < now() - interval '30 days' AND erased LIMIT 1000)`

export const pruneActivityTotals = () => sql`
  DELETE FROM activity_totals WHERE ctid IN (
    SELECT ctid FROM activity_totals WHERE day < now() - interval '401 days' LIMIT 1000)`
