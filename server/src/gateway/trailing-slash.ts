import type { IncomingMessage } from 'node:http'
import { patternOf } from './paths.ts'

/**
 * Takes a last slash away from paths that mean the same without it, and leaves every other as it came. The router sees the result,
 * so that tokens, limits, preflights and what is forwarded know one path, as the frameworks do that the references are written in.
 * @param urls paths with `:parameters`, without a last slash
 */
export function withoutTrailingSlash(urls: readonly string[]): (request: Pick<IncomingMessage, 'url'>) => string {
  const patterns = urls.map(patternOf)
  return ({ url = '' }) => {
    const [path = ''] = url.split('?', 1)
    if (!path.endsWith('/')) return url
    const shorter = path.slice(0, -1)
    // A target in absolute form names the host first (RFC 9112, 3.2.2).
    const local = shorter.replace(/^https?:\/\/[^/]*/i, '')
    return patterns.some((pattern) => pattern.test(local)) ? `${shorter}${url.slice(path.length)}` : url
  }
}
