import pg from 'pg'

/** Runs `work` on one connection of its own, outside every pool: for work that takes longer than a request may. */
export async function withConnection<Result>(
  url: string,
  purpose: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `guichet:${purpose}`,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  })
  // Without a listener a lost connection would end the process; the statement that waits gets the error anyway.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
