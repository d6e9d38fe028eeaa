// jest's environment for Node, with a witness of time. Most tests are about times of some hundred milliseconds, and a failure says nothing of the
// server where the machine itself was late. So a test that fails while this process was late is played again, after the others of its file, and is named.
// A test that fails while the process kept time has failed.
import { TestEnvironment } from 'jest-environment-node'

/** Milliseconds between two looks at the clock. */
const LOOK = 20
/** A process that was this late, in milliseconds, did not keep time. No test promises more precision than this. */
const LATE = 100
/** How often one test may be played again. */
const AGAIN = 5

/** Notes how late a timer was, and when. */
class Witness {
  #timer
  #last = 0
  /** `[when, how late]`, in order, where it was late at all. */
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
    if (late >= LATE) this.#late.push([now, late])
    this.#last = now
    return now
  }

  /** The longest time that the process stood still since then, in milliseconds; a timer that should have fired by now counts. */
  latest(since) {
    this.#look()
    return Math.max(0, ...this.#late.filter(([when]) => when >= since).map(([, late]) => late))
  }
}

export default class extends TestEnvironment {
  #witness = new Witness()
  /** When each test that is under way began. */
  #began = new Map()
  /** The errors of tests that are not to be played again: out of jest's sight, until it would no longer do so. */
  #final = new Map()

  async setup() {
    await super.setup()
    this.global[Symbol.for('RETRY_TIMES')] = AGAIN
    this.#witness.start()
  }

  async teardown() {
    this.#witness.stop()
    await super.teardown()
  }

  handleTestEvent(event) {
    const { test } = event
    if (event.name === 'test_started') this.#began.set(test, performance.now())
    else if (event.name === 'test_done') this.#judge(test)
    else if (event.name === 'run_describe_finish') this.#restore()
  }

  #judge(test) {
    const late = this.#witness.latest(this.#began.get(test) ?? 0)
    if (test.errors.length === 0) return
    if (late >= LATE && test.invocations <= AGAIN) {
      const [, ...names] = pathOf(test)
      process.stderr.write(
        `to be played again, the machine stood still for ${Math.round(late)} ms: ${names.join(' ')}\n  ${reasonOf(test)}\n`,
      )
      return
    }
    this.#final.set(test, test.errors)
    test.errors = []
  }

  #restore() {
    for (const [test, errors] of this.#final) test.errors = [...errors, ...test.errors]
    this.#final.clear()
  }
}

function pathOf(test) {
  const names = []
  for (let each = test; each !== undefined; each = each.parent) names.unshift(each.name)
  return names
}

/** The first line of what a test failed for. jest keeps errors in pairs: what was thrown, and where it was awaited. */
function reasonOf({ errors: [error] }) {
  const thrown = Array.isArray(error) ? error[0] : error
  return String(thrown?.message ?? thrown).split('\n')[0]
}
