import { expect, test } from 'vitest'
import { createReader } from './environment.ts'
import { readNetworks } from './networks.ts'

const problemsOf = (value: string) => {
  const read = createReader({ X: value }, {})
  readNetworks(read, 'X')
  return read.problems
}

test.each(['', '10.0.0.0/8', '127.0.0.1, ::1', 'fd00::/8,192.168.0.1/32', '::ffff:10.0.0.0/104', 'loopback'])(
  '%j names networks',
  (value) => {
    expect(problemsOf(value)).toEqual([])
  },
)

test.each(['10.0.0.0/99', '10.0.0/8', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', 'proxy.example.org', '10.0.0.0/-1'])(
  '%j is refused',
  (value) => {
    expect(problemsOf(`10.1.0.0/16,${value}`)).toEqual([`X: "${value}" is no network like 10.0.0.0/8 or fd00::/8.`])
  },
)
