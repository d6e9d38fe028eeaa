import { performance } from 'node:perf_hooks'

/**
 * A stretch of time in which connections went idle, for all of those one and the same: to read the clock for each of them, and to put each in its
 * place, would cost every request, and tell no more than its client can know. expiry.ts begins and ends it.
 */
export class Period {
  #end: number | undefined = undefined

  /** When it ended; while it lasts: now. In whole milliseconds, rounded up: whoever went idle in it did so no later. */
  get until(): number {
    return this.#end ?? Math.ceil(performance.now())
  }

  end(): void {
    this.#end = this.until
  }
}
