import { expect, test } from 'vitest'
import { configured, longestAccessTtl } from './configured.ts'
import { contractNames } from './registry.ts'

test('what was revoked is remembered as long as the longest-lived token of any contract', () => {
  const [first, ...others] = contractNames
  const ttl = (of: string, seconds: number) => ({ [of]: { accessTtl: seconds } })
  const short = Object.assign({}, ...others.map((name) => ttl(name, 60)))
  const all = configured({ overrides: { ...short, ...ttl(first!, 7_200) }, uploadMaxBytes: 1 })
  expect(longestAccessTtl(all)).toBe(7_200)
})
