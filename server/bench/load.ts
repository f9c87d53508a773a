import autocannon from 'autocannon'

export interface Load {
  url: string
  seconds: number
  connections: number
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

/** Answers a second under a closed loop of `connections`. Throws when one of them is no 2xx. */
export async function requestsPerSecond({ seconds, ...load }: Load): Promise<number> {
  const { requests, non2xx, errors, duration } = await autocannon({ ...load, duration: seconds })
  if (non2xx > 0 || errors > 0) throw new Error(`${load.url}: ${non2xx} answers were no 2xx, ${errors} failed`)
  return requests.total / duration
}
