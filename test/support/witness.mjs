// How late this process is. A machine that stands still, or that gives this process no time, makes the tests of short times fail: what a test says then
// says nothing about the server.

/** Milliseconds between two looks at the clock. */
const LOOK = 20
/** Lateness is added up within this many milliseconds: a process may stand still at once or in pieces. */
const WITHIN = 500

/** Records how late a timer was, and when. */
export class Witness {
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #last = 0
  /** When, and how late, of every look so far. @type {[when: number, late: number][]} */
  #late = []

  start() {
    this.#last = performance.now()
    this.#timer = setInterval(() => this.#look(), LOOK).unref()
  }

  stop() {
    clearInterval(this.#timer)
  }

  #look() {
    const now = performance.now()
    const late = now - this.#last - LOOK
    if (late > 1) this.#late.push([now, late])
    this.#last = now
  }

  /**
   * How late the process was since then, in the worst half second, in milliseconds. A look that is overdue counts.
   * @param {number} since of performance.now()
   */
  latest(since) {
    this.#look()
    const looks = this.#late.filter(([when]) => when >= since)
    let [sum, first, worst] = [0, 0, 0]
    for (const [end, late] of looks) {
      sum += late
      while ((looks[first]?.[0] ?? end) <= end - WITHIN) sum -= looks[first++]?.[1] ?? 0
      worst = Math.max(worst, sum)
    }
    return worst
  }
}
