import { loadCommandConfig } from '../config.ts'
import { openDatabases } from '../databases.ts'
import { openDatabase } from '../platform/db/database.ts'
import { StartError } from '../platform/errors.ts'
import { listDeadLetters, replayDeadLetters } from '../platform/events/dead-letters.ts'
import type { EventHandlers } from '../platform/events/inbox.ts'
import { createLogger } from '../platform/log.ts'
import { followAccounts as ordersHandlers } from '../services/orders/index.ts'
import { followAccounts as profilesHandlers } from '../services/profiles/index.ts'
import { type Print, usage } from './command.ts'

const handlersOf: Readonly<Record<'profiles' | 'orders', EventHandlers>> = {
  profiles: profilesHandlers,
  orders: ordersHandlers,
}

/** Lists the events that a service could not take, or hands them to it again. */
export async function deadLetters([name, action, ...rest]: readonly string[], print: Print): Promise<void> {
  const known = (name === 'profiles' || name === 'orders') && (action === undefined || action === 'replay')
  if (!known || rest.length > 0) throw new StartError(usage)
  const config = loadCommandConfig()
  const log = createLogger(config.logLevel)
  const databases = await openDatabases(config, { services: [name], ownership: 'join-or-own', log })
  const database = openDatabase({ name, url: databases.url(name), log })
  try {
    if (action === 'replay') {
      const { succeeded, failed } = await replayDeadLetters(database, name, handlersOf[name])
      print(`${succeeded.length} events are handled now, ${failed.length} still fail.`)
      for (const { id, reason } of failed) print(`  ${id}  ${reason}`)
      return
    }
    const letters = await listDeadLetters(database, name)
    print(`${letters.length} dead letters of ${name}.`)
    for (const { id, type, attempts, failedAt, reason } of letters) {
      print(`  ${id}  ${type}  ${failedAt.toISOString()}  ${attempts} attempts: ${reason}`)
    }
  } finally {
    await database.close()
    await databases.close()
  }
}
