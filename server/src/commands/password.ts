import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Writable } from 'node:stream'
import { StartError } from '../platform/errors.ts'

/** Characters after which a line counts as none. */
const longestLine = 10_000

/** Where a password is asked for. */
export interface Terminal {
  input: Readable & { isTTY?: boolean }
  /** What is asked goes there, and nothing that is typed. */
  output: { write(text: string): unknown }
}

/** A password: asked for twice at a terminal, which shows nothing of it, or else the first line of the input. */
export async function readPassword({ input, output }: Terminal = { input: process.stdin, output: process.stderr }) {
  if (!input.isTTY) return firstLineOf(input)
  const answers = unseenAnswers(input)
  try {
    output.write('Password: ')
    const password = await answers.next()
    output.write('\nThe same again: ')
    const again = await answers.next()
    output.write('\n')
    if (password !== again) throw new StartError('The two passwords differ: nothing was changed.')
    return password
  } finally {
    answers.close()
  }
}

/** Lines that are typed at a terminal and not shown; they can be edited as usual. */
function unseenAnswers(input: Readable) {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  return {
    next: () =>
      new Promise<string>((resolve, reject) => {
        const given = (line: string) => {
          lines.off('close', ended)
          resolve(line)
        }
        // Ctrl-C and Ctrl-D end it.
        const ended = () => reject(new StartError('No password was given: nothing was changed.'))
        lines.once('line', given).once('close', ended)
      }),
    close: () => lines.close(),
  }
}

async function firstLineOf(input: Readable): Promise<string> {
  let text = ''
  for await (const chunk of input) {
    text += chunk
    if (text.includes('\n') || text.length > longestLine) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}
