import type { Locale } from './policy.ts'

/** An account as the contracts see it, with its role in the contract that asks. */
export interface AccountView {
  id: string
  number: number
  tenant: { id: string; number: number; name: string }
  username: string
  email: string | null
  displayName: string | null
  emailVerified: boolean
  secondFactor: boolean
  active: boolean
  role: string
  locale: Locale
  preferences: Readonly<Record<string, unknown>>
  createdAt: Date
  updatedAt: Date
  lastLoginAt: Date | null
}
