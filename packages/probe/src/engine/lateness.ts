/** A timer that is late by more than this, in ms, is no hiccup. */
const LATE = 200
const EVERY = 50

/** How late this process itself was: on a machine that is busy with other things a broken rule may be its own fault. */
export class Lateness {
  #before = performance.now()
  #lateAt = Number.NEGATIVE_INFINITY
  readonly #timer = setInterval(() => {
    const now = performance.now()
    if (now - this.#before > EVERY + LATE) this.#lateAt = now
    this.#before = now
  }, EVERY)

  /** Since this moment, by performance.now(). */
  since(moment: number): boolean {
    return this.#lateAt >= moment || performance.now() - this.#before > EVERY + LATE
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
