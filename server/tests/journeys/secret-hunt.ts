import { createHash } from 'node:crypto'

/** What a journey has sent and received that nobody but its two ends may keep. */
export interface SecretHunt {
  /** Remembers a secret; too short a text would be found everywhere. */
  note(kind: string, secret: string): void
  /** Remembers every secret in a JSON value, by the names of its fields. */
  noteFields(value: unknown): void
  /** How many secrets there are of each kind. */
  counts(): Record<string, number>
  /** Which secrets a text holds, in clear or in another form: `kind as form`. */
  findIn(text: string): string[]
}

const kinds: readonly [kind: string, names: RegExp][] = [
  ['password', /password$/i],
  ['refresh token', /^refresh_?token$/i],
  ['session token', /^session_?token$/i],
  ['code', /^(mfa_)?code$/i],
  ['link token', /^(verification|reset)_?token$/i],
  // A `token` alone is an access token in answers, and in requests whatever a route calls so.
  ['access token', /^(access_?)?token$/i],
]

/** Six digits; what else stands in a field `code` is the name of an error. */
const isCode = (text: string) => /^\d{6}$/.test(text)
const shortest = 8

export function createHunt(): SecretHunt {
  const noted = new Map<string, { kind: string; forms: [form: string, needle: string][]; clear: RegExp | undefined }>()

  const note = (kind: string, secret: string) => {
    const short = isCode(secret)
    if (noted.has(secret) || !(short ? kind === 'code' : kind !== 'code' && secret.length >= shortest)) return
    // Six digits are also part of many a number, so they count where they stand by themselves.
    const clear = short ? new RegExp(`(?<![\\w.])${secret}(?!\\w)`) : undefined
    noted.set(secret, { kind, clear, forms: formsOf(secret) })
  }

  const noteFields = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    for (const [name, inner] of Object.entries(value)) {
      const kind = kinds.find(([, names]) => names.test(name))?.[0]
      if (typeof inner !== 'string') noteFields(inner)
      else if (kind !== undefined) note(kind, inner)
    }
  }

  return {
    note,
    noteFields,
    counts: () => {
      const counts: Record<string, number> = {}
      for (const { kind } of noted.values()) counts[kind] = (counts[kind] ?? 0) + 1
      return counts
    },
    findIn: (text) =>
      [...noted.values()].flatMap(({ kind, clear, forms }) => {
        const found = forms.filter(([, needle]) => text.includes(needle)).map(([form]) => form)
        if (clear?.test(text)) found.unshift('itself')
        return found.map((form) => `${kind} as ${form}`)
      }),
  }
}

/** The texts by which a secret is recognised wherever it was put. */
function formsOf(secret: string): [form: string, needle: string][] {
  const forms = new Map<string, string>([
    [JSON.stringify(secret).slice(1, -1), 'JSON'],
    [encodeURIComponent(secret), 'part of a URL'],
    [Buffer.from(secret).toString('hex'), 'hex'],
  ])
  for (const offset of [0, 1, 2]) {
    forms.set(base64Inside(secret, offset, 'base64'), 'base64')
    forms.set(base64Inside(secret, offset, 'base64url'), 'base64')
  }
  const [, , signature] = secret.split('.')
  if (signature !== undefined) forms.set(signature, 'the signature alone')
  // The bytes that a URL-safe token stands for, as a bytea column shows them.
  if (/^[\w-]{32,}$/.test(secret)) forms.set(Buffer.from(secret, 'base64url').toString('hex'), 'hex of its bytes')
  if (isCode(secret)) {
    forms.delete(secret)
    // A hash of one among 900,000 hides nothing.
    for (const name of ['md5', 'sha1', 'sha256']) forms.set(createHash(name).update(secret).digest('hex'), name)
  } else forms.set(secret, 'itself')
  return [...forms].map(([needle, form]) => [form, needle])
}

/** The characters that a text is sure to become inside of a longer base64 text, `offset` bytes after a group's beginning. */
function base64Inside(text: string, offset: number, encoding: 'base64' | 'base64url'): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
  return bytes.toString(encoding).slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6))
}
