import { messageOf, StartError } from '../platform/errors.ts'

/** What a command that failed says: a sentence for what people can mend, and the stack of anything else for whoever has to. */
export function failureText(error: unknown): string {
  if (error instanceof StartError) return error.message
  if (!isSystemError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  const { path, message } = error
  if (path === undefined) return `The system refused what was needed: ${message}.`
  return `${path} cannot be used: ${message}. See that it is there, and that this user may read and write it.`
}

/** Of a file, a socket or a process: it says what failed, where our own mistakes say only where in the code. */
const isSystemError = (error: unknown): error is Error & { path?: string } =>
  error instanceof Error && 'syscall' in error && messageOf(error) !== ''
