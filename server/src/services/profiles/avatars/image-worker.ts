import { DomainError } from '../../../platform/errors.ts'
import { renderAvatar } from './image.ts'
import { refusedStatus } from './render-apart.ts'

/** The program of the process that decodes one image: its path is the one word, its avatar goes to stdout, an error code to stderr. */
const [path = ''] = process.argv.slice(2)
try {
  process.stdout.write(await renderAvatar(path))
} catch (error) {
  if (!(error instanceof DomainError)) throw error
  process.stderr.write(error.code)
  process.exitCode = refusedStatus
}
