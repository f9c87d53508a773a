import { newId } from '../../platform/ids.ts'
import type { Deps } from './deps.ts'
import type { ProfileFact, ProfileFactAbout } from './facts.ts'

/** An event as a statement takes it. */
export interface NewEvent {
  id: string
  type: string
  data: Record<string, unknown>
}

/** What the contract announces of a fact, if it does. */
export function announced(
  { announce, clock }: Pick<Deps, 'announce' | 'clock'>,
  contract: string,
  fact: ProfileFact,
  { accountId, number, email, role }: ProfileFactAbout,
): NewEvent | undefined {
  // The whole row may have come in.
  const about = { accountId, number, email, ...(role !== undefined && { role }) }
  const event = announce(contract, fact, about, new Date(clock.now()))
  return event && { id: newId(), ...event }
}
