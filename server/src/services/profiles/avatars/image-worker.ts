import { DomainError } from '../../../platform/errors.ts'
import { renderAvatar } from './image.ts'

/**
 * The program of the process that decodes one image: its words are the image's path and the exit status of a DomainError, whose code
 * goes to stderr; the avatar goes to stdout.
 */
const [path = '', refusedStatus] = process.argv.slice(2)
try {
  process.stdout.write(await renderAvatar(path))
} catch (error) {
  if (!(error instanceof DomainError)) throw error
  process.stderr.write(error.code)
  process.exitCode = Number(refusedStatus)
}
