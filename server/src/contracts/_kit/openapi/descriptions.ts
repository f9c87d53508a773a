import type { Contract, Route } from '../contract.ts'
import { limitOf } from '../limits.ts'

/** What an operation's reader has to know before calling it: what the route says, then who may call it and how often. */
export const descriptionOf = (contract: Contract, route: Route): string =>
  [
    route.aliasOf && `Another address of \`${route.method} ${templateOf(route.aliasOf)}\`.`,
    route.description,
    callersOf(contract, route),
    route.page && 'A browser that asks for HTML gets a page with a button, which does it.',
    route.upload && `The file may have ${route.upload.maxBytes} bytes.`,
    `At most ${limitsOf(contract, route)} for one ${route.access === 'public' ? 'address' : 'account'}.`,
  ]
    .filter(Boolean)
    .join(' ')

/** A path with its parameters as OpenAPI writes them. */
export const templateOf = (url: string): string => url.replaceAll(/:(\w+)/g, '{$1}')

/** `listProducts` as the beginning of a shape's name. */
export const capitalised = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

/** What is none of these names a permission. */
const openTo: Readonly<Record<string, string>> = {
  public: 'Open to everybody.',
  person: 'For whoever is signed in.',
  person_or_service: 'For whoever is signed in, and for other services.',
  service: 'For other services only.',
}
export const needsPermission = ({ access }: Route): boolean => !(access in openTo)

function callersOf({ realm }: Contract, { access }: Route): string {
  const roles = Object.entries(realm.policy.roles.permissions).filter(([, may]) => may.some((one) => one === access))
  return openTo[access] ?? `For the role ${roles.map(([name]) => `\`${name}\``).join(' or ')}.`
}

/** Of all others each route has a count of its own. */
const counted: Readonly<Record<string, string>> = { write: ' that write', read: ' that read' }

const limitsOf = ({ limits }: Contract, { limit }: Route): string =>
  [limitOf(limits, limit)]
    .flat()
    .map(({ points, seconds }) => `${points} calls${counted[limit] ?? ''} in ${durationOf(seconds)}`)
    .join(', ')

function durationOf(seconds: number): string {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second']
  return count === 1 ? `a ${unit}` : `${count} ${unit}s`
}

/** What every status means, where a route does not say more. */
export const meanings: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Accepted; it is done later',
  204: 'Done; there is nothing to say',
  304: 'What the client has is the newest',
  400: 'The request does not fit',
  401: 'No valid token, or wrong credentials',
  403: 'Not allowed',
  404: 'Not found',
  409: 'In conflict with the present state',
  410: 'No longer there',
  413: 'The body is too large',
  415: 'The body is of another media type',
  422: 'The request fits its form, not its meaning',
  429: 'Too many requests; `Retry-After` says how many seconds to wait',
  500: 'A fault on our side',
  502: 'A service answered what cannot be understood',
  503: 'A service does not answer; try again later',
  504: 'A service took too long',
}
