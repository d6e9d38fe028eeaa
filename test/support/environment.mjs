// jest's environment for Node, which also measures how late this process is. Most tests are about times of some hundred milliseconds, and if the
// machine was late, a failure says nothing about the server. So a test that fails while this process was late is played again, after the others of
// its file, and is named. A test that fails while the process kept time has failed.
import { TestEnvironment } from 'jest-environment-node'
import { Witness } from './witness.mjs'

/**
 * A process that was late by this many milliseconds within half a second, at once or in pieces, did not keep time. No test asks for more precision.
 */
const LATE = 100
/** Milliseconds for which tests wait for an event, by default: longer than elsewhere, since a hundred tests wait at once. */
const PATIENCE = 12_000
/** How often one test may be played again. */
const AGAIN = 5

export default class extends TestEnvironment {
  #witness = new Witness()
  /** When each test that is under way began. */
  #began = new Map()
  /** The errors of tests that are not to be played again: hidden from jest until it would no longer do so. */
  #final = new Map()

  async setup() {
    await super.setup()
    this.global[Symbol.for('RETRY_TIMES')] = AGAIN
    this.global.process.env.HALFCLOSE_PATIENCE ??= String(PATIENCE)
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
    if (test.errors.length === 0) return
    const late = this.#witness.latest(this.#began.get(test) ?? 0)
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

/** The first line of a test's error. jest keeps errors in pairs: the error, and where it was awaited. */
function reasonOf({ errors: [error] }) {
  const thrown = Array.isArray(error) ? error[0] : error
  return String(thrown?.message ?? thrown).split('\n')[0]
}
