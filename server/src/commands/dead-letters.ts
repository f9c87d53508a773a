import { openDatabases } from '../compose/databases.ts'
import { loadCommandConfig } from '../config/config.ts'
import { type Database, openDatabase } from '../platform/db/database.ts'
import { listDeadLetters, replayDeadLetters } from '../platform/events/dead-letters.ts'
import type { EventHandlers } from '../platform/events/inbox.ts'
import { createLogger } from '../platform/log.ts'
import * as identity from '../services/identity/index.ts'
import { followAccounts as ordersHandlers } from '../services/orders/index.ts'
import { followAccounts as profilesHandlers } from '../services/profiles/index.ts'
import type { Print } from './command.ts'

type Follower = 'profiles' | 'orders'

const handlersOf: Readonly<Record<Follower, EventHandlers>> = {
  profiles: profilesHandlers,
  orders: ordersHandlers,
}

/** Lists the events that a service could not take, or the mails that could not be sent; or tries them again. */
export async function deadLetters(
  name: Follower | 'mail',
  { replay, topology }: { replay: boolean; topology: string },
  print: Print,
): Promise<void> {
  const config = loadCommandConfig(topology)
  const log = createLogger(config)
  const service = name === 'mail' ? 'identity' : name
  const databases = await openDatabases(config, { services: [service], ownership: 'join-or-own', log })
  const database = openDatabase({ name: service, url: databases.url(service), log })
  try {
    if (name === 'mail') await (replay ? replayMails(database, print) : listMails(database, print))
    else await (replay ? replayEvents(database, name, print) : listEvents(database, name, print))
  } finally {
    await database.close()
    await databases.close()
  }
}

async function listEvents(database: Database, name: Follower, print: Print): Promise<void> {
  const letters = await listDeadLetters(database, name)
  print(`${letters.length} dead letters of ${name}.`)
  for (const { id, type, attempts, failedAt, reason } of letters) {
    print(`  ${id}  ${type}  ${failedAt.toISOString()}  ${attempts} attempts: ${reason}`)
  }
}

async function replayEvents(database: Database, name: Follower, print: Print): Promise<void> {
  const { succeeded, failed } = await replayDeadLetters(database, name, handlersOf[name])
  print(`${succeeded.length} events are handled now, ${failed.length} still fail.`)
  for (const { id, reason } of failed) print(`  ${id}  ${reason}`)
}

async function listMails(database: Database, print: Print): Promise<void> {
  const mails = await identity.listDeadMails(database)
  print(`${mails.length} dead letters of mail.`)
  for (const { id, kind, contract, attempts, deadAt, reason } of mails) {
    print(`  ${id}  ${kind} of ${contract}  ${deadAt.toISOString()}  ${attempts} attempts: ${reason}`)
  }
}

async function replayMails(database: Database, print: Print): Promise<void> {
  const due = await identity.replayDeadMails(database)
  print(`${due} mails are due again: the process that runs identity sends them within a second.`)
}
