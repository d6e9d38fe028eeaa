import { tickLike } from './private.js'

/** One, at most. */
const kept: (object | undefined)[] = []

/**
 * Keeps alive the shape of the objects that `process.nextTick` makes, of which Node makes five for a request. V8 forgets a shape in a full collection of
 * garbage at which there is no object of it, as in a server that is idle just then; from then on it makes each of them in its runtime, for as
 * long as the process lives, and a request costs a tenth more and over ('bare, tick shape kept' in `npm run bench`). Once for the process.
 * From Node 22 on one symbol is missing in it: V8 then forgets the last of the shape, and keeps the rest.
 */
export function keepTickShape(): void {
  if (kept.length === 0) kept.push(tickLike())
}
