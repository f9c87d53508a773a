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

/** Wraps a use case that takes a request context, so that each run is observed. */
export const observed =
  <Args extends readonly unknown[], Result>(
    observe: Observe,
    action: string,
    useCase: (...args: Args) => Promise<Result>,
    accountOf: (result: Result) => Observed | undefined = () => undefined,
  ) =>
  async (...args: Args): Promise<Result> => {
    const elapsed = stopwatch()
    const report = (outcome: string, account?: Observed) => {
      const context = args.find(isContext)
      if (context) observe({ contract: context.realm.name, action, outcome, seconds: elapsed(), account })
    }
    try {
      const result = await useCase(...args)
      report('success', accountOf(result))
      return result
    } catch (error) {
      report(error instanceof DomainError ? error.code : 'failure')
      throw error
    }
  }

const isContext = (argument: unknown): argument is RequestContext =>
  typeof argument === 'object' && argument !== null && 'realm' in argument
