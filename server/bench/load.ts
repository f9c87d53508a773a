import autocannon from 'autocannon'

export interface Load {
  url: string
  seconds: number
  connections: number
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  /** What differs from request to request; asked for each, when its connection is free. */
  next?: () => Pick<Load, 'headers' | 'body'>
  /** Told the body of every answer, before its connection sends again. */
  answered?: (body: string) => void
}

/** Answers a second under a closed loop of `connections`. Throws when one of them is no 2xx. */
export async function requestsPerSecond({ seconds, next, answered, ...load }: Load): Promise<number> {
  const { requests, non2xx, errors, duration } = await autocannon({
    ...load,
    duration: seconds,
    // How late the end of the time is noticed, in milliseconds.
    sampleInt: 100,
    requests: [
      {
        ...(next && { setupRequest: (request) => ({ ...request, ...next() }) }),
        ...(answered && { onResponse: (_status, body) => answered(body) }),
      },
    ],
  })
  if (non2xx > 0 || errors > 0) throw new Error(`${load.url}: ${non2xx} answers were no 2xx, ${errors} failed`)
  return requests.total / duration
}
