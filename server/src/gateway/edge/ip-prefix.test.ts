import { describe, expect, test } from 'vitest'
import { ipPrefixOf, networkOf } from './ip-prefix.ts'

describe('the prefix of an address', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8:1:2:aaaa:bbbb:cccc:dddd', '2001:db8:1:2'],
    ['2001:DB8:0001:02::1', '2001:db8:1:2'],
    ['2001:db8::5:6:7:8:9', '2001:db8:0:5'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0'],
  ])('of %s is %s', (address, ipPrefix) => {
    expect(ipPrefixOf(address)).toBe(ipPrefix)
  })

  test('is one for all addresses of a /64, also where they hold the mark of an IPv4 address', () => {
    const networks = ['2001:db8:1:2::ffff:1', '2001:db8:1:2::ffff:2', '2001:db8:1:2:0:0:ffff:3'].map(ipPrefixOf)
    expect(new Set(networks)).toEqual(new Set(['2001:db8:1:2']))
  })
})

test.each([
  ['192.0.2.7', '192.0.2'],
  ['192.0.2.250', '192.0.2'],
  ['192.0.20.7', '192.0.20'],
  ['::ffff:192.0.2.7', '::ffff:192.0.2'],
  ['2001:db8:1:2::1', '2001:db8:1'],
  ['2001:DB8:0001:ffff::9', '2001:db8:1'],
  ['2001:db8::1', '2001:db8:0'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
