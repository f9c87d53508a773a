import type { Route } from './contract.ts'
import type { ServiceName } from './services.ts'

/**
 * Names routes for the documents: `{ listProducts }` is the operation of that name, below the heading `tag`.
 * @param aliases by name, the address where the reference has the same operation: there on the contract's own listener only
 */
export const operations = <Name extends string, Service extends ServiceName>(
  tag: string,
  routes: Readonly<Record<Name, Route<Service>>>,
  aliases?: Readonly<Partial<Record<NoInfer<Name>, string>>>,
): Route<Service>[] =>
  (Object.keys(routes) as Name[]).flatMap((operationId) => {
    const route = { ...routes[operationId], operationId, tag }
    const url = aliases?.[operationId]
    return url === undefined ? [route] : [route, { ...route, url, aliasOf: route.url, ownListenerOnly: true }]
  })
