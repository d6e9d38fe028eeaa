import { AsyncResource } from 'node:async_hooks'

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

/**
 * An object of the same shape as those of `process.nextTick`, as far as it can be made outside (Node 22 and later have one more symbol in
 * it); undefined: it has other symbols. The two symbols are also on every AsyncResource. executionAsyncResource() would return one itself, and make Node
 * call each callback through one more function from then on.
 */
export function tickLike(): object | undefined {
  const resource = new AsyncResource('HALFCLOSE_TICK', { requireManualDestroy: true })
  const symbols = Object.getOwnPropertySymbols(resource)
  resource.emitDestroy()
  const [id, trigger] = ['async_id_symbol', 'trigger_async_id_symbol'].map((name) =>
    symbols.find(({ description }) => description === name),
  )
  if (id === undefined || trigger === undefined) return undefined
  // Fractions: Node's own are numbers that V8 does not keep as integers, and it gives up the shape where it finds a number that does not fit it.
  return { [id]: 0.5, [trigger]: 0.5, callback: tickLike, args: undefined }
}
