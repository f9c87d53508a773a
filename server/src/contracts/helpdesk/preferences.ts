import Type from 'typebox'

/** How somebody wants the helpdesk to look and to speak up. */

const languages = ['fr', 'en', 'es'] as const
const themes = ['light', 'dark', 'auto'] as const

/** What holds as long as somebody has not said otherwise. */
const defaults = {
  language: 'fr',
  theme: 'light',
  notifications: { email: true, browser: true, sms: false },
  timezone: 'Europe/Paris',
} as const

export const Preferences = Type.Object({
  language: Type.Enum([...languages]),
  theme: Type.Enum([...themes]),
  notifications: Type.Object({ email: Type.Boolean(), browser: Type.Boolean(), sms: Type.Boolean() }),
  timezone: Type.String(),
})
type Preferences = Type.Static<typeof Preferences>

/** The defaults, overlaid with what somebody set. */
export const preferencesOf = (set: Readonly<Record<string, unknown>>): Preferences => {
  const { language, theme, notifications, timezone } = set as ChangedPreferences
  return {
    language: language ?? defaults.language,
    theme: theme ?? defaults.theme,
    notifications: { ...defaults.notifications, ...notifications },
    timezone: timezone ?? defaults.timezone,
  }
}

/** Some of the preferences, in a body; whatever else stands beside them is ignored. */
export const ChangedPreferences = Type.Object({
  language: Type.Optional(Type.Enum([...languages])),
  theme: Type.Optional(Type.Enum([...themes])),
  notifications: Type.Optional(
    Type.Object({
      email: Type.Optional(Type.Boolean()),
      browser: Type.Optional(Type.Boolean()),
      sms: Type.Optional(Type.Boolean()),
    }),
  ),
  // A name of the IANA's time zone database by its form; whether there is one of that name is asked afterwards.
  timezone: Type.Optional(Type.String({ maxLength: 64, pattern: '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$' })),
})
type ChangedPreferences = Type.Static<typeof ChangedPreferences>

/** The preferences that we know and that are there; undefined when there is none of them. */
export function setPreferences(body: ChangedPreferences) {
  const { language, theme, timezone, notifications: { email, browser, sms } = {} } = body
  return given({ language, theme, timezone, notifications: given({ email, browser, sms }) })
}

/** What is there of these values; undefined when nothing is. */
export function given<Values extends object>(values: Values): Values | undefined {
  const there = Object.entries(values).filter(([, value]) => value !== undefined)
  return there.length > 0 ? (Object.fromEntries(there) as Values) : undefined
}

/** True for a time zone that there is, under whichever of its names. */
export function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
