import type { Arrangement } from './arrangements.ts'

/** Somebody who went all the way by one contract, signed in still. */
export interface Traveller {
  token: string
  /** Absent where sessions are not renewed. */
  refreshToken?: string
}

/** An account, as contracts name one in their paths. */
export interface Somebody {
  uid: string
  number: number
  email: string
}

/** What a contract is for, from the registration on, for tests of all of them at once. */
export interface Journey {
  /** A route that wants the contract's token. */
  door: string
  travel(): Promise<Traveller>
  /** The status that a refresh token is answered with, where there are any. */
  renew?(refreshToken: string): Promise<number>
  /** The token of somebody who may do everything in it; absent where nobody may. */
  administrator?: () => Promise<string>
  /** What administrators see and do, at every listener that serves it; absent where there is no such thing. */
  administration?: {
    /** All that lists, searches and figures say. */
    lists(token: string): Promise<string>
    /** The status of each thing that is done to one person: read, change, promote, deactivate, remove, where the contract has it. */
    acts(token: string, person: Somebody): Promise<Record<string, number>>
  }
}

/** Each contract has one in `journey.ts` of its folder. */
export type OpenJourney = (arrangement: Arrangement) => Promise<Journey>
