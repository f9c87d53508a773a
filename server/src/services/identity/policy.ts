/** How a contract wants accounts to be treated: data, so that no service has to know a contract's name. */
export interface Policy {
  password: { minLength: number }
  /** After `failures` wrong passwords in a row, `seconds` of refusing even the right one. */
  lockout: { failures: number; seconds: number }
  /** Seconds an access token lives. */
  accessTtl: number
  /** Seconds a refresh token lives from its own issue. */
  refreshTtl: number
  /** The tenant its accounts belong to. */
  tenant: string
  roles: {
    /** What an account without a grant is. */
    person: string
    administrator: string
    all: readonly string[]
  }
}

/** What a contract's own claims are made from. */
export interface AccountView {
  id: string
  number: number
  username: string
  email: string | null
  role: string
}

/** What identity has to know of the contract that a request came by. */
export interface Terms {
  /** The contract's name, also the audience of its tokens and the scope of its grants. */
  readonly name: string
  readonly policy: Policy
  /** The contract's own claims, beside the core's. */
  claims(account: AccountView): Record<string, unknown>
}

/** Who is asking, and by which contract. */
export interface Client {
  readonly terms: Terms
  readonly ip: string
  readonly userAgent: string | undefined
}

/** The longest password that is hashed, in UTF-16 units: NIST 800-63B-4 asks for at least 64; longer ones only cost. */
export const longestPassword = 256

/** The characters of a username, whichever contract it was made by; an e-mail address is one. */
export const usernamePattern = /^[A-Za-z0-9._@+-]{2,254}$/
