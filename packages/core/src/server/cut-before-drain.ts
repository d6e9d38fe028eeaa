import { nextTick } from '../node/real-timers.js'

/**
 * Requests that were cut in this tick. A listener of a signal may destroy connections before it, or another listener, calls drain(): the drain counts
 * those cuts as its own.
 */
export class CutBeforeDrain {
  #count = 0

  note(lost: number): void {
    const isFirst = this.#count === 0
    this.#count += lost
    if (!isFirst) return
    nextTick(() => {
      this.#count = 0
    })
  }

  /** A drain begins. */
  take(): number {
    const cut = this.#count
    this.#count = 0
    return cut
  }
}
