import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { readPassword } from './password.ts'

/** A terminal whose keys the test presses; `shown` is all that it shows. */
function terminal() {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => void modes.push(raw) })
  let shown = ''
  const output = {
    write(text: string) {
      shown += text
    },
  }
  const asked = (times: number) => expect.poll(() => shown.match(/: /g)?.length ?? 0).toBe(times)
  return { input, output, modes, shown: () => shown, asked }
}

describe('at a terminal', () => {
  test('a password is asked for twice, without echo', async () => {
    const { input, output, modes, shown, asked } = terminal()
    const password = readPassword({ input, output })
    await asked(1)
    input.write('correct horsX\u007fe\r')
    await asked(2)
    input.write('correct horse\r')
    expect(await password).toBe('correct horse')
    expect(shown()).toBe('Password: \nThe same again: \n')
    expect(modes, 'the terminal echoes nothing meanwhile, and does again').toEqual([true, false])
  })

  test('two that differ are refused', async () => {
    const { input, output, asked } = terminal()
    const password = expect(readPassword({ input, output })).rejects.toThrow('The two passwords differ')
    await asked(1)
    input.write('one\r')
    await asked(2)
    input.write('other\r')
    await password
  })

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('%s ends it', async (_, key) => {
    const { input, output, modes, asked } = terminal()
    const password = expect(readPassword({ input, output })).rejects.toThrow('No password was given')
    await asked(1)
    input.write(key)
    await password
    expect(modes.at(-1)).toBe(false)
  })
})

test.each([
  ['secret word\nmore\n', 'secret word'],
  ['secret word\r\n', 'secret word'],
  ['secret word', 'secret word'],
  ['', ''],
])('what is piped as %j is the password to the end of its first line', async (text, password) => {
  const input = new PassThrough()
  input.end(text)
  const output = { write: (text: string) => expect.unreachable(text) }
  expect(await readPassword({ input, output })).toBe(password)
})
