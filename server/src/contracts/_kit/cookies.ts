import { type SerializeOptions, serialize } from 'cookie'
import { newSecret } from '../../platform/ids.ts'
import { hmac, sameSecret } from '../../platform/secrets.ts'

const mostValues = 10

/** The values of every cookie of that name: browsers send one for each path that has it, the longest path first. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (header === undefined || !header.includes(`${name}=`)) return []
  const pairs = header.split(';').map((pair) => pair.trim())
  return pairs
    .filter((pair) => pair.startsWith(`${name}=`))
    .slice(0, mostValues)
    .map((pair) => pair.slice(name.length + 1))
}

/** A `Set-Cookie` value: HttpOnly always, Secure outside development. */
export const setCookie = (name: string, value: string, options: SerializeOptions): string =>
  serialize(name, value, { httpOnly: true, ...options })

const deviceCookie = 'guichet_device'
const oneYear = 365 * 24 * 3600

export type DeviceCookies = ReturnType<typeof createDeviceCookies>

/**
 * Tells a device by a cookie that only we can make, so that nobody can claim to be a device of somebody else.
 * @param options.secure whether cookies are Secure
 */
export function createDeviceCookies(key: Buffer, { secure }: { secure: boolean }) {
  const signatureOf = (device: string) => hmac(key, device).toString('base64url')
  return {
    secure,
    /** The device's id; undefined without a cookie of ours. */
    read(header: string | undefined): string | undefined {
      for (const value of cookieValues(header, deviceCookie)) {
        const [device = '', signature = ''] = value.split('.')
        if (/^[\w-]{22}$/.test(device) && sameSecret(signature, signatureOf(device))) return device
      }
      return undefined
    },
    newDevice: () => newSecret(16),
    /** The `Set-Cookie` that keeps the device known for another year. */
    keep: (device: string): string =>
      setCookie(deviceCookie, `${device}.${signatureOf(device)}`, {
        path: '/',
        maxAge: oneYear,
        sameSite: 'lax',
        secure,
      }),
  }
}
