/** Which limit a request counts against. Of all but `write` and `read` each route has its own count. */
export type LimitClass = 'credentials' | 'mail' | 'write' | 'read' | 'metrics' | ScarceClass
/** Classes that most contracts have no limit of their own for: see `fallbacks`. */
export type ScarceClass = 'register' | 'upload' | 'download'

export interface Limit {
  /** Requests allowed in the window, for one address or, when signed in, one account. */
  points: number
  /** Length of the window. */
  seconds: number
}
/** Several windows hold together: a request counts in each of them. */
export type Windows = Limit | readonly [Limit, ...Limit[]]
export type Limits = Readonly<Record<Exclude<LimitClass, ScarceClass>, Windows> & Partial<Record<ScarceClass, Windows>>>

const fallbacks = { register: 'credentials', upload: 'write', download: 'read' } as const satisfies Record<
  ScarceClass,
  LimitClass
>
const isScarce = (limit: LimitClass): limit is ScarceClass => limit in fallbacks

/** The limit of a class, or of the one that it falls back to. */
export const limitOf = (limits: Limits, limit: LimitClass): Windows =>
  isScarce(limit) ? (limits[limit] ?? limits[fallbacks[limit]]) : limits[limit]
