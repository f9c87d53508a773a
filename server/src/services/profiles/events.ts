import { newId } from '../../platform/ids.ts'
import type { Deps } from './deps.ts'
import type { ProfileFact, ProfileFactAbout } from './facts.ts'

/** An event as a statement takes it. */
export interface NewEvent {
  id: string
  type: string
  data: Record<string, unknown>
}

/** What the realm announces of a fact, if it does. */
export function announced(
  { announce, clock }: Pick<Deps, 'announce' | 'clock'>,
  realm: string,
  fact: ProfileFact,
  // The whole row may come in.
  { accountId, number, email }: Omit<ProfileFactAbout, 'role'>,
  role?: string,
): NewEvent | undefined {
  const about = { accountId, number, email, ...(role !== undefined && { role }) }
  const event = announce(realm, fact, about, new Date(clock.now()))
  return event && { id: newId(), ...event }
}
