import { describe, expect, test } from 'vitest'
import { cookieValues, createDeviceCookies, setCookie } from './cookies.ts'

test.each<[string | undefined, string[]]>([
  [undefined, []],
  ['', []],
  ['a=1', ['1']],
  ['xa=1; ab=2; A=3', []],
  ['a=1;a=2; b=3;   a=', ['1', '2', '']],
  ['b=a=1; a=x=y', ['x=y']],
  [Array.from({ length: 12 }, (_, index) => `a=${index}`).join('; '), [...'0123456789']],
])('the cookies a of %j', (header, values) => {
  expect(cookieValues(header, 'a')).toEqual(values)
})

test('no cookie is for scripts', () => {
  expect(setCookie('a', 'b c', { path: '/x' })).toBe('a=b%20c; Path=/x; HttpOnly')
})

describe('a device', () => {
  const devices = createDeviceCookies(Buffer.alloc(32, 1), { secure: true })
  const others = createDeviceCookies(Buffer.alloc(32, 2), { secure: true })
  const pairOf = (cookie: string) => cookie.split(';', 1)[0] ?? ''
  const [one, other] = [devices.newDevice(), devices.newDevice()]
  const [own, forged] = [pairOf(devices.keep(one)), pairOf(others.keep(one))]
  const signature = own.split('.')[1] ?? ''

  test('is kept for a year, Secure outside development', () => {
    const attributes = 'Max-Age=31536000; Path=/; HttpOnly'
    expect(devices.keep(one)).toBe(`${own}; ${attributes}; Secure; SameSite=Lax`)
    const plain = createDeviceCookies(Buffer.alloc(32, 1), { secure: false })
    expect(plain.keep(one)).toBe(`${own}; ${attributes}; SameSite=Lax`)
    expect([devices.secure, plain.secure]).toEqual([true, false])
  })

  test.each<[string, string | undefined, string | undefined]>([
    ['no cookie', undefined, undefined],
    ['our own', own, one],
    ['one with the signature of another installation', forged, undefined],
    ['one with the signature of another device', `guichet_device=${other}.${signature}`, undefined],
    ['one without a signature', `guichet_device=${one}`, undefined],
    ['one with an empty signature', `guichet_device=${one}.`, undefined],
    ['ours after what is not', `guichet_device=x; ${forged}; ${own}`, one],
    ['the first of two', `${own}; ${pairOf(devices.keep(other))}`, one],
  ])('is read of %s', (_what, header, device) => {
    expect(devices.read(header)).toBe(device)
  })
})
