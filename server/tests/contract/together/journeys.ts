import { type ContractName, contractNames } from '../../../src/contracts/registry.ts'
import type { Arrangement } from '../../support/arrangements.ts'
import type { Journey, OpenJourney } from '../../support/journey.ts'

/** The journey of every contract there is. */
export async function openJourneys(arrangement: Arrangement): Promise<ReadonlyMap<ContractName, Journey>> {
  const journeys = new Map<ContractName, Journey>()
  for (const name of contractNames) {
    const { open } = (await import(`../${name}/journey.ts`)) as { open: OpenJourney }
    journeys.set(name, await open(arrangement))
  }
  return journeys
}
