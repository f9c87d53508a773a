import type { Route } from './contract.ts'
import type { ServiceName } from './services.ts'

/** A route at its own path, and once more at the one where the reference has it: there on the contract's own listener only. */
export const withAlias = <Name extends ServiceName>(route: Route<Name>, url: string): Route<Name>[] => [
  route,
  { ...route, url, aliasOf: route.url, ownListenerOnly: true },
]
