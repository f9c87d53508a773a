import { parseOptions, verify } from '@node-rs/argon2'
import { ceilings, type HashReader, malformed, parses, tooDear } from './format.ts'

const shape =
  /^\$(?<variant>argon2(?:id|i|d))(?<version>\$v=(?:16|19))?(?<rest>\$m=(?<memory>\d{1,10}),t=(?<passes>\d{1,10}),p=(?<lanes>\d{1,8})\$(?<salt>[A-Za-z0-9+/]{11,86})\$(?<key>[A-Za-z0-9+/]{22,86}))$/

/** Argon2 in all three variants, as PHC strings (RFC 9106): `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$salt$key`. */
export const readArgon2: HashReader = (hash) => {
  if (!hash.startsWith('$argon2')) return undefined
  const parts = shape.exec(hash)?.groups
  if (!parts) return malformed('argon2')
  const { variant = 'argon2', version, rest = '' } = parts
  const [memory, passes, lanes] = [Number(parts.memory), Number(parts.passes), Number(parts.lanes)]
  if (passes < 1 || lanes < 1 || memory < 8 * lanes) return malformed('argon2')
  const cheapEnough =
    memory <= ceilings.argon2Kib &&
    passes <= ceilings.argon2Passes &&
    lanes <= ceilings.argon2Lanes &&
    memory * passes <= ceilings.argon2Work
  if (!cheapEnough) return tooDear('argon2', `m=${memory},t=${passes},p=${lanes}`)
  // Without a version it is 1.0 (0x10), where the library would take the present one.
  const complete = version === undefined ? `$${variant}$v=16${rest}` : hash
  // The library finds fault with salts below 8 bytes and stray bits at the end of the base64, and would throw for them later.
  if (!parses(() => parseOptions(complete))) return malformed('argon2')
  return { format: variant, verify: (password) => verify(complete, password) }
}
