import { stopwatch } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'
import type { AccountView, RequestContext } from '../realm/index.ts'

/** One use case that ran for a contract's client: what counters are made of. */
export interface Observation {
  contract: string
  action: string
  /** `success`, or the code of the DomainError; `failure` for a fault. */
  outcome: string
  seconds: number
  /** Whom it concerned, when it is known. */
  account: Observed | undefined
}

/** An account, with the role it had before where an action may have changed it. */
type Observed = AccountView & { formerRole?: string }

export type Observe = (observation: Observation) => void

/** Wraps a use case whose last argument is the request context, so that each run is told. */
export const observed =
  <Args extends readonly unknown[], Result>(
    observe: Observe,
    action: string,
    useCase: (...args: Args) => Promise<Result>,
    accountOf: (result: Result) => Observed | undefined = () => undefined,
  ) =>
  async (...args: Args): Promise<Result> => {
    const elapsed = stopwatch()
    const tell = (outcome: string, account?: Observed) => {
      const context = args.find(isClient)
      if (context) observe({ contract: context.realm.name, action, outcome, seconds: elapsed(), account })
    }
    try {
      const result = await useCase(...args)
      tell('success', accountOf(result))
      return result
    } catch (error) {
      tell(error instanceof DomainError ? error.code : 'failure')
      throw error
    }
  }

const isClient = (argument: unknown): argument is RequestContext =>
  typeof argument === 'object' && argument !== null && 'terms' in argument
