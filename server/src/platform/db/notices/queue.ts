/** One notice; an empty payload means "anything may have changed". */
export interface Notice {
  readonly channel: string
  readonly payload: string
}

export interface Waiting extends Notice {
  /** Settles with `done`. */
  readonly taken: Promise<void>
  done(): void
}

/** Notices that wait to be sent: equal ones once, and beyond the limit only their channels. */
export class NoticeQueue {
  #waiting = new Map<string, Waiting>()
  readonly #limit: number

  constructor(limit = 10_000) {
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Adds a notice, or finds the equal one that waits already. */
  add(notice: Notice): Waiting {
    const known = this.#waiting.get(keyOf(notice))
    if (known) return known
    if (this.#waiting.size >= this.#limit) this.#keepChannelsOnly()
    // Where "anything may have changed" waits already, a detail adds nothing.
    const general = this.#waiting.get(keyOf({ channel: notice.channel, payload: '' }))
    if (general) return general
    const { promise: taken, resolve: done } = Promise.withResolvers<void>()
    const waiting: Waiting = { ...notice, taken, done }
    this.#waiting.set(keyOf(notice), waiting)
    return waiting
  }

  /** Removes and gives the oldest notices, at most `count`. */
  take(count: number): Waiting[] {
    const taken = [...this.#waiting.values()].slice(0, count)
    for (const notice of taken) this.#waiting.delete(keyOf(notice))
    return taken
  }

  /** Puts back what could not be sent. */
  restore(notices: readonly Waiting[]): void {
    for (const notice of notices) {
      // Nobody waits for it any more by now.
      notice.done()
      this.add(notice)
    }
  }

  #keepChannelsOnly(): void {
    const all = [...this.#waiting.values()]
    this.#waiting = new Map()
    for (const { channel, done } of all) {
      done()
      this.add({ channel, payload: '' })
    }
  }
}

const keyOf = ({ channel, payload }: Notice) => `${channel}\0${payload}`
