import { atOnce } from './parser.js'

/** Done in one turn of the loop, so that ten thousand connections do not stall it. */
const BATCH = 100

/** Does something to each of `members` and takes it out, a batch in each turn of the loop. `done`: whether the last batch was a full one. */
export function inBatches<T>(members: Set<T>, act: (one: T) => void, done?: (wasFull: boolean) => void): void {
  let acted = 0
  atOnce(() => {
    for (const one of members) {
      members.delete(one)
      act(one)
      if (++acted === BATCH) break
    }
  })
  if (members.size > 0) setImmediate(() => inBatches(members, act, done))
  else done?.(acted === BATCH)
}
