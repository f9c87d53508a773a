import { openDatabase, sql } from '../../src/platform/db/database.ts'
import { type EventHandlers, startConsumer } from '../../src/platform/events/consumer.ts'
import { httpEventSource } from '../../src/platform/events/http-bus.ts'
import { internalClient } from '../../src/platform/http/internal-client.ts'
import { silentLogger } from '../../src/platform/log.ts'

/**
 * A process that follows identity's events in the place of its two followers and counts: each handled event is one row of
 * `effects`, which nothing keeps from being written twice.
 */

const [url = '', token = '', databaseUrl = ''] = process.argv.slice(2)
export const followers = ['profiles', 'orders'] as const
export const clientEvents = ['client.registered', 'client.email_verified', 'client.logged_in'] as const

if (import.meta.main) {
  const log = silentLogger()
  const database = openDatabase({ name: 'effects', url: databaseUrl, log })
  const source = httpEventSource({ service: 'identity', client: internalClient({ url, token, deadlineMs: 2_000 }) })
  for (const name of followers) startConsumer({ name, source, database, handlers: counting(name), log })
  process.stdout.write('the follower is ready\n')
}

function counting(consumer: string): EventHandlers {
  const count: EventHandlers[string] = async (tx, { id, type, subject }) => {
    await tx.run(sql`
      INSERT INTO effects (consumer, event_id, type, account_id) VALUES (${consumer}, ${id}, ${type}, ${subject}::uuid)`)
  }
  return Object.fromEntries(clientEvents.map((type) => [type, count]))
}
