import pg from 'pg'

/** Runs `work` on one connection of its own, outside every pool: for work that takes longer than a request may. */
export async function withConnection<Result>(
  url: string,
  purpose: string,
  work: (context: pg.Client) => Promise<Result>,
): Promise<Result> {
  const context = new pg.Client({
    connectionString: url,
    application_name: `guichet:${purpose}`,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  })
  // Without a listener a lost connection would end the process; the statement that waits gets the error anyway.
  context.on('error', () => undefined)
  try {
    await context.connect()
    return await work(context)
  } finally {
    await context.end().catch(() => undefined)
  }
}
