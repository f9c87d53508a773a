import type { Route } from './contract.ts'

/** A route at its own path, and once more at the one where the reference has it: there on the contract's own listener only. */
export const withAlias = (route: Route, url: string): Route[] => [
  route,
  { ...route, url, aliasOf: route.url, ownListenerOnly: true },
]
