import { performance } from 'node:perf_hooks'
import { attempt } from '../events/error-boundary.js'
import type { Connection } from '../http1/connection.js'
import { closeIfQuiet } from '../http1/idle.js'
import { goAway } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import { inBatches } from '../node/in-batches.js'
import { setImmediate } from '../node/real-timers.js'
import { afterPoll } from '../node/timers.js'
import type { AnyConnection } from '../server/any-connection.js'

/** How many connections one look may find, so that ten thousand idle ones do not block the loop. */
const MOST = 1_000

/** Connections that a drain may close. They are closed in batches, once the input in the kernel has been read, if they may still be closed then. */
export class ClosableConnections {
  readonly #found = new Set<AnyConnection>()
  readonly #mayClose: (connection: Connection, now: number) => boolean
  readonly #lookAgain: () => void
  #underWay = false
  /** A look has found so many that it has not seen all. */
  #mayBeMore = false

  /** `lookAgain` is called if there may be more connections than were found. */
  constructor(mayClose: (connection: Connection, now: number) => boolean, lookAgain: () => void) {
    this.#mayClose = mayClose
    this.#lookAgain = lookAgain
  }

  /** Whether one look has found enough. */
  get isFull(): boolean {
    return this.#found.size >= MOST
  }

  add(one: AnyConnection): void {
    this.#found.add(one)
  }

  close(): void {
    this.#mayBeMore ||= this.isFull
    if (this.#underWay || this.#found.size === 0) return
    this.#underWay = true
    afterPoll(() => inBatches(this.#found, (one) => attempt(one, this.#closeOne), this.#done))
  }

  readonly #done = (): void => {
    this.#underWay = false
    if (!this.#mayBeMore) return
    this.#mayBeMore = false
    setImmediate(this.#lookAgain)
  }

  readonly #closeOne = (one: AnyConnection): void => {
    if (one instanceof Session) goAway(one, 'draining')
    // The input may have brought a request on another connection.
    else if (this.#mayClose(one, performance.now())) closeIfQuiet(one, 'draining', 'drain-idle')
  }
}
