import type { Database } from '../../../platform/db/database.ts'
import type { Notices } from '../../../platform/db/notices/index.ts'
import { messageOf } from '../../../platform/errors.ts'
import type { Logger } from '../../../platform/log.ts'
import { MailFailure, type MailMessage, type MailTransport } from '../../../platform/mail.ts'
import { backoffMs, createSignal, pause } from '../../../platform/signal.ts'
import {
  claimMails,
  deadLetterMail,
  dropMail,
  findMails,
  type MailRow,
  markMailSent,
  retryMailLater,
} from '../store/mails.ts'
import { isMailKind, type MailKind } from './kinds.ts'
import { CannotWrite, type MailSources, stillNeeded, writeMail } from './write-mail.ts'

/** The notice by which a commit with new mail jobs wakes the worker. */
export const mailChannel = 'mail'

/** `failed` is tried again, `dead` is given up, `dropped` was no longer needed. */
export type MailOutcome = 'sent' | 'failed' | 'dead' | 'dropped'

export interface MailWorkerOptions extends MailSources {
  database: Database
  notices: Notices
  /** Without one, as in development, mails count as sent: the mailbox shows them. */
  transport: MailTransport | undefined
  log: Logger
  onOutcome?: ((kind: MailKind, outcome: MailOutcome) => void) | undefined
  /** For tests that cannot wait. */
  retries?: Partial<Retries>
}

interface Retries {
  /** Milliseconds after the first failure; doubled after each further one. */
  firstMs: number
  longestMs: number
  /** Attempts after which a mail is given up. */
  attempts: number
}

const patient: Retries = { firstMs: 10_000, longestMs: 3_600_000, attempts: 12 }

/** Mails under way at once: as many as the transport has connections for. */
const places = 5
/** The net below the notices. */
const pollMs = 1_000
/** What a lease has over the transport's deadline: time to write down how it ended. */
const leaseSpareMs = 30_000
const stopDeadlineMs = 5_000

/**
 * Sends the mails that wait in the database, any number of workers beside each other. A worker that dies between sending and
 * writing that down makes a mail go out twice, with the same Message-ID; nothing makes it go out less than once.
 */
export function startMailWorker(options: MailWorkerOptions): { stop(): Promise<void> } {
  const { database, notices, transport, log, onOutcome } = options
  const retries = { ...patient, ...options.retries }
  const leaseSeconds = ((transport?.deadlineMs ?? 0) + leaseSpareMs) / 1000
  const stopping = new AbortController()
  const { signal } = stopping
  const news = createSignal()
  const stopHearing = notices.on(mailChannel, news.notify)
  const underWay = new Set<Promise<void>>()
  /** Failures in a row that were the server's. While it is away one mail at a time tries, or all of them would be given up soon. */
  let unreachable = 0
  const running = run()

  async function run() {
    while (!signal.aborted) {
      if (unreachable > 0) await pause(backoffMs(unreachable), signal)
      if (signal.aborted) return
      const seen = news.notified()
      await fillPlaces().catch((error: unknown) =>
        log.warn({ reason: messageOf(error) }, 'waiting mail could not be read; it is tried again'),
      )
      if (news.notified() === seen) await news.wait(pollMs, signal)
    }
  }

  async function fillPlaces() {
    const limit = (unreachable > 0 ? 1 : places) - underWay.size
    if (limit <= 0) return
    const ids = await claimMails(database, { limit, leaseSeconds })
    if (ids.length === 0) return
    for (const row of await findMails(database, ids)) {
      const ending = deliver(row)
        .catch((error: unknown) =>
          log.warn({ mail: row.id, reason: messageOf(error) }, 'how a mail ended is not recorded'),
        )
        .finally(() => {
          underWay.delete(ending)
          // A place is free, and perhaps more is waiting.
          news.notify()
        })
      underWay.add(ending)
    }
  }

  async function deliver(row: MailRow) {
    const outcome = await attempt(row)
    if (isMailKind(row.kind)) onOutcome?.(row.kind, outcome)
  }

  async function attempt(row: MailRow): Promise<MailOutcome> {
    let mail: MailMessage | undefined
    try {
      mail = stillNeeded(row) ? writeMail(row, options) : undefined
      if (mail) await transport?.send(mail)
    } catch (error) {
      return failed(row, error)
    }
    unreachable = 0
    if (!mail) {
      await dropMail(database, row.id)
      return 'dropped'
    }
    await markMailSent(database, row.id)
    return 'sent'
  }

  async function failed(row: MailRow, failure: unknown): Promise<MailOutcome> {
    const { id, kind, contract, attempts } = row
    const reason = reasonOf(failure)
    const { permanent, unreachable: away } = failure instanceof MailFailure ? failure : unwritten
    unreachable = away ? unreachable + 1 : 0
    if (permanent || attempts >= retries.attempts) {
      await deadLetterMail(database, { id, attempts, reason })
      log.error({ mail: id, kind, contract, attempts, reason }, 'a mail was given up')
      return 'dead'
    }
    await retryMailLater(database, { id, attempts, reason, delayMs: retryDelayMs(attempts, retries) })
    log.warn({ mail: id, kind, contract, attempts, reason }, 'a mail was not sent; it is tried again')
    return 'failed'
  }

  return {
    /** Takes no more mail and waits for what is under way, five seconds at most. The transport is closed after it. */
    async stop() {
      stopHearing()
      stopping.abort()
      await running
      const ended = new AbortController()
      void Promise.allSettled(underWay).then(() => ended.abort())
      await pause(stopDeadlineMs, ended.signal)
    },
  }
}

const unwritten = { permanent: false, unreachable: false }

/** In words that are safe to keep: of an error that is not made for it, only the kind. */
const reasonOf = (failure: unknown): string => {
  if (failure instanceof MailFailure || failure instanceof CannotWrite) return failure.message
  return failure instanceof Error ? failure.name : 'unknown'
}

/** Up to a quarter is random: without it, those that failed together come back together. */
const retryDelayMs = (attempts: number, { firstMs, longestMs }: Retries): number =>
  Math.min(firstMs * 2 ** (attempts - 1), longestMs) * (1 + Math.random() / 4)
