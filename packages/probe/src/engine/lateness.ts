/** A timer that is late by more than this, in ms, shows that the machine was late. */
const LATE = 200
const EVERY = 50

/** How late this process itself was. On a busy machine that may be why a rule seems broken. */
export class Lateness {
  #before = performance.now()
  #lateAt = Number.NEGATIVE_INFINITY
  readonly #timer = setInterval(() => {
    const now = performance.now()
    if (now - this.#before > EVERY + LATE) this.#lateAt = now
    this.#before = now
  }, EVERY)

  /** Whether the process was late since `moment`, by performance.now(). */
  since(moment: number): boolean {
    return this.#lateAt >= moment || performance.now() - this.#before > EVERY + LATE
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
