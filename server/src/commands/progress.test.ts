import { expect, test } from 'vitest'
import { showProgress } from './progress.ts'

const output = (isTTY: boolean) => {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => void written.push(text) }
}

test('a terminal shows every thousandth step in one line, which goes away at the end', () => {
  const terminal = output(true)
  const progress = showProgress(terminal)
  for (let done = 1; done <= 2_500; done += 1) progress.step('checked', done)
  progress.end()
  progress.end()
  expect(terminal.written).toEqual(['\r\u001b[Kchecked: 1000 lines', '\r\u001b[Kchecked: 2000 lines', '\r\u001b[K'])
})

test('nothing is shown where there is no terminal', () => {
  const file = output(false)
  const progress = showProgress(file)
  progress.step('checked', 1_000)
  progress.end()
  expect(file.written).toEqual([])
})
