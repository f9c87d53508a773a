import { expect, test } from 'vitest'
import { judgeStep, type OrderStatus, orderStatuses } from './status.ts'

const legal: readonly (readonly [OrderStatus, OrderStatus])[] = [
  ['pending', 'confirmed'],
  ['confirmed', 'shipped'],
  ['shipped', 'delivered'],
  ['pending', 'cancelled'],
  ['confirmed', 'cancelled'],
]

const isLegal = (from: OrderStatus, to: OrderStatus) => legal.some(([one, other]) => one === from && other === to)
const steps = orderStatuses.flatMap((from) => orderStatuses.map((to) => [from, to] as const))

test.each(steps)('%s -> %s, by an administrator', (from, to) => {
  expect(judgeStep(from, to, true)).toBe(from === to ? 'unchanged' : isLegal(from, to) ? 'legal' : 'illegal')
})

test.each(steps)('%s -> %s, by the owner', (from, to) => {
  const cancelsPending = from === 'pending' && to === 'cancelled'
  const expected = from === to ? 'unchanged' : cancelsPending ? 'legal' : isLegal(from, to) ? 'not_allowed' : 'illegal'
  expect(judgeStep(from, to, false)).toBe(expected)
})
