/** Remembers when this process was late: what took longer since the machine stood still says nothing about the server. Times are those of the epoch, so that two processes can compare theirs. */

/** Milliseconds between two looks at the clock. */
const LOOK = 20

export class Witness {
  #last = now()
  /** When each look that was late came, and by how many milliseconds it was late. @type {[at: number, late: number][]} */
  late = []

  constructor() {
    setInterval(() => this.#look(), LOOK).unref()
  }

  #look() {
    const at = now()
    const late = at - this.#last - LOOK
    if (late > 2) this.late.push([at, Math.round(late)])
    this.#last = at
  }
}

/** For how many milliseconds a process was late between two times. @param {[at: number, late: number][]} looks @param {number} from @param {number} to */
export function lateBetween(looks, from, to) {
  return looks.reduce((sum, [at, late]) => sum + (at > from && at - late < to ? late : 0), 0)
}

export function now() {
  return performance.timeOrigin + performance.now()
}
