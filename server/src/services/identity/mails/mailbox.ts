import type { Database } from '../../../platform/db/database.ts'
import { findMails, newestMails } from '../store/mails.ts'
import { type MailSources, writeMail } from './write-mail.ts'

/** A mail as its reader sees it, and what became of it. */
export interface RenderedMail {
  id: string
  contract: string
  kind: string
  from?: string | undefined
  to: string
  subject: string
  text: string
  html: string
  createdAt: Date
  sentAt: Date | null
  /** When it was given up. */
  deadAt: Date | null
  attempts: number
  lastError: string | null
}

const shown = 50

/**
 * The newest 50 mails, written again from their rows: links and codes included, so for development only. What cannot be written
 * any more, such as a mail whose link was pruned, is left out.
 */
export const recentMails =
  ({ database, ...sources }: MailSources & { database: Database }) =>
  async (): Promise<RenderedMail[]> => {
    const rows = await findMails(database, await newestMails(database, shown))
    return rows.flatMap((row) => {
      try {
        const mail = writeMail(row, sources)
        if (!mail) return []
        const { contract, kind, createdAt, sentAt, deadAt, attempts, lastError } = row
        return [{ ...mail, contract, kind, createdAt, sentAt, deadAt, attempts, lastError }]
      } catch {
        return []
      }
    })
  }
