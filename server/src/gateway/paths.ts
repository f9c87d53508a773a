import type { FastifyRequest } from 'fastify'

/** The path of a request, without its query. */
export const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? ''

const patterns = new Map<string, RegExp>()

/** A route's path as an expression. */
export function patternOf(url: string): RegExp {
  let pattern = patterns.get(url)
  if (!pattern) {
    pattern = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)
    patterns.set(url, pattern)
  }
  return pattern
}
