import { performance } from 'node:perf_hooks'
import { attempt } from '../events/attempt.js'
import type { Connection } from '../http1/connection.js'
import { closeIfQuiet } from '../http1/idle.js'
import { leave } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import { inBatches } from '../node/in-batches.js'
import { afterPoll } from '../node/timers.js'

/** Found in one look, so that ten thousand idle ones do not stall the loop. */
const MOST = 1_000

/** Those that a drain has found to be due. They are closed once the kernel's input has been read, if they are due still, and so many at a time. */
export class DueConnections {
  readonly #found = new Set<Connection | Session>()
  readonly #isDue: (connection: Connection, now: number) => boolean
  readonly #lookAgain: () => void
  #underWay = false

  /** `lookAgain`: there may be more than were found. */
  constructor(isDue: (connection: Connection, now: number) => boolean, lookAgain: () => void) {
    this.#isDue = isDue
    this.#lookAgain = lookAgain
  }

  /** Enough for one look. */
  get isFull(): boolean {
    return this.#found.size >= MOST
  }

  add(one: Connection | Session): void {
    this.#found.add(one)
  }

  close(): void {
    if (this.#underWay || this.#found.size === 0) return
    this.#underWay = true
    afterPoll(() => inBatches(this.#found, (one) => attempt(one, this.#closeOne), this.#done))
  }

  readonly #done = (wasFull: boolean): void => {
    this.#underWay = false
    if (wasFull) setImmediate(this.#lookAgain)
  }

  readonly #closeOne = (one: Connection | Session): void => {
    if (one instanceof Session) leave(one, 'draining')
    // The poll may have brought a request on another one.
    else if (this.#isDue(one, performance.now())) closeIfQuiet(one, 'draining', 'drain-idle')
  }
}
