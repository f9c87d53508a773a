import { type Logger, pino, stdTimeFunctions } from 'pino'

export type { Logger } from 'pino'

const secretFields = [
  'password',
  'token',
  'access_token',
  'refresh_token',
  'session_token',
  'mfa_code',
  'authorization',
  'cookie',
  'secret',
]

/** The process's logger: JSON lines on stderr, so that stdout stays free for what a command prints. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: false }),
  )
}

/** A logger that writes nothing: for the commands that print their own result, and for tests. */
export const silentLogger = (): Logger => pino({ level: 'silent' })
