import { performance } from 'node:perf_hooks'
import { atOnce } from './parser.js'
import { setImmediate } from './real-timers.js'

/** Members that are handled in one turn of the loop at most, so that ten thousand connections do not block it. */
const BATCH = 50
/** Milliseconds after which a batch ends, on a machine for which so many are too much; and how many members are handled between two looks at the clock. */
const LONGEST = 4
const STEP = 10

/** Calls `act` for each of `members` and removes it, one batch in each turn of the loop. */
export function inBatches<T>(members: Set<T>, act: (one: T) => void, done?: () => void): void {
  const until = performance.now() + LONGEST
  let acted = 0
  atOnce(() => {
    for (const one of members) {
      members.delete(one)
      act(one)
      acted++
      if (acted === BATCH || (acted % STEP === 0 && performance.now() >= until)) break
    }
  })
  if (members.size > 0) setImmediate(() => inBatches(members, act, done))
  else done?.()
}
