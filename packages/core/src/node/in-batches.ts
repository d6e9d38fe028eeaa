import { atOnce } from './parser.js'

/** Members that are handled in one turn of the loop, so that ten thousand connections do not block it. */
const BATCH = 100

/** Calls `act` for each of `members` and removes it, one batch in each turn of the loop. `done` is told whether the last batch was a full one. */
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
