import { once } from 'node:events'
import { lstatSync, rmSync, symlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { isatty, WriteStream } from 'node:tty'
import { type Logger, type LoggerOptions, multistream, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { messageOf, StartError } from './errors.ts'
import { logText } from './log-text.ts'
import { openOutput } from './output.ts'
import { withoutSecrets } from './redaction.ts'

export type { Logger } from 'pino'

/** A log file that is replaced when it is full: `service.log` is written as `service.1.log`, `service.2.log` and so on. */
export interface LogFile {
  /** Where a link to the file being written is kept. */
  path: string
  /** Size from which on a file is replaced. */
  sizeBytes: number
  /** How many files are kept. */
  count: number
}

/** How a process logs. */
export interface LogSettings {
  logLevel: string
  /** The form of stderr; undefined: for people on a terminal, JSON elsewhere. A file has JSON. */
  logFormat?: LogFormat | undefined
  logFile?: LogFile | undefined
}

export const logFormats = ['json', 'text'] as const
export type LogFormat = (typeof logFormats)[number]

/** What every line says of where it comes from. */
export interface LogOrigin {
  unit: string
  instance: string
}

/** How the process logs, and how much of it was lost. */
export interface Logging {
  log: Logger
  /** The logger of one of its units. */
  logOf(unit: string): Logger
  /** Lines that could not be written since the start, to stderr and to the file. */
  dropped(): number
}

/** Bytes that may wait for a slow disk; what comes on top is dropped. */
const mostWaiting = 8 * 1_024 ** 2

/** The logger of a command: on stderr, so that stdout stays free for what it prints. */
export const createLogger = (settings: LogSettings): Logger => toStderr(settings).log

/**
 * The logger of a process that serves, also into a file beside stderr, which is flushed at the end. Throws a `StartError` when the file cannot be
 * opened; when it cannot be written later, stderr says so and goes on alone.
 */
export async function openLogger(settings: LogSettings, { unit, instance }: LogOrigin): Promise<Logging> {
  const { log: beside, stream, stderr } = toStderr(settings)
  const loggers = (log: Logger) => ({
    log: log.child({ unit, instance }),
    logOf: (one: string) => log.child({ unit: one, instance }),
  })
  const { logFile: file, logLevel } = settings
  if (!file) return { ...loggers(beside), dropped: stderr.dropped }
  const destination = await openFile(file)
  let dropped = 0
  let unreported = 0
  let failing = false
  destination.on('drop', () => {
    dropped += 1
    unreported += 1
  })
  destination.on('error', (error: unknown) => {
    if (!failing) beside.error({ path: file.path, reason: messageOf(error) }, 'the log file cannot be written')
    failing = true
  })
  // What is logged at all the logger decides; both get the same.
  const streams = [{ stream }, { stream: destination }].map((one) => ({ ...one, level: 'trace' as const }))
  const log = pino(optionsOf(logLevel), multistream(streams))
  destination.on('drain', () => {
    failing = false
    if (unreported > 0) sayDropped(log, 'file', unreported)
    unreported = 0
  })
  return { ...loggers(log), dropped: () => stderr.dropped() + dropped }
}

async function openFile({ path, sizeBytes, count }: LogFile) {
  try {
    // Loaded where a file is written: most processes write none.
    const { default: rollingFile } = await import('pino-roll')
    const destination = await rollingFile({
      file: path,
      size: `${sizeBytes}b`,
      // It counts the file being written too, and those of earlier processes.
      limit: { count, removeOtherLogFiles: true },
      mkdir: true,
      mode: 0o640,
      maxLength: mostWaiting,
    })
    await once(destination, 'ready')
    pointTo(path, destination.file)
    destination.on('ready', () => pointTo(path, destination.file))
    process.once('exit', () => flush(destination))
    return destination
  } catch (error) {
    throw new StartError(`The log file ${path} cannot be opened: ${messageOf(error)}. GUICHET_LOG_FILE names it.`, {
      cause: error,
    })
  }
}

/** A logger that writes nothing: for the commands that print their own result, and for tests. */
export const silentLogger = (): Logger => pino({ level: 'silent' })

function toStderr({ logLevel, logFormat }: LogSettings) {
  const stderr = openOutput(2, { onRecovered: (count) => sayDropped(log, 'stderr', count) })
  const terminal = isatty(2)
  // It minds NO_COLOR, FORCE_COLOR and TERM.
  const coloured = terminal && WriteStream.prototype.getColorDepth() > 1
  const forPeople = { write: (line: string) => stderr.write(logText(line, coloured)) }
  const stream = (logFormat ?? (terminal ? 'text' : 'json')) === 'text' ? forPeople : stderr
  const log = pino(optionsOf(logLevel), stream)
  return { log, stream, stderr }
}

const sayDropped = (log: Logger, destination: string, lines: number) =>
  log.warn({ destination, lines }, 'lines of the log were dropped: they could not be written')

const optionsOf = (level: string): LoggerOptions => ({
  level,
  base: null,
  timestamp: stdTimeFunctions.isoTime,
  // What a child logger is bound to is not looked at: it names a part of the program or a request.
  formatters: { log: withoutSecrets },
  serializers: { err: (error: Error) => withoutSecrets(stdSerializers.err(error)) },
})

function flush(destination: { flushSync(): void }): void {
  try {
    destination.flushSync()
  } catch {
    // Between two files, on a full disk, or into a broken pipe: an end must not fail for the last lines.
  }
}

/** Keeps the plain name pointing at the numbered file being written. A file of that name that is no link of ours is left alone. */
function pointTo(path: string, target: string): void {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found && !found.isSymbolicLink()) return
    rmSync(path, { force: true })
    symlinkSync(basename(target), path)
  } catch {
    // Links are a privilege on some systems; the numbered files are there all the same.
  }
}
