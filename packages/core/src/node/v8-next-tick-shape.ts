import { AsyncResource } from 'node:async_hooks'

/** It holds one object at most. */
const kept: (object | undefined)[] = []

/**
 * Keeps alive the shape of the objects that `process.nextTick` makes, of which a request needs five. V8 forgets a shape if a full garbage collection
 * finds no object of it, as in an idle server. From then on, for the life of the process, V8 makes each of them in its slow path, and a request costs
 * a tenth more ('bare, tick shape kept' in `npm run bench`). Once per process. From Node 22 on one symbol is missing here: V8 then forgets only the
 * last step of the shape.
 */
export function keepTickShape(): void {
  if (kept.length === 0) kept.push(tickLike())
}

/**
 * An object of the same shape as those of `process.nextTick`, as far as code outside Node can make one (Node 22 and later add one more symbol).
 * `undefined`: this Node has other symbols. The two symbols are taken from an AsyncResource: executionAsyncResource() would return a real one, but
 * from then on Node would call each callback through one more function.
 */
export function tickLike(): object | undefined {
  const resource = new AsyncResource('HALFCLOSE_TICK', { requireManualDestroy: true })
  const symbols = Object.getOwnPropertySymbols(resource)
  resource.emitDestroy()
  const [id, trigger] = ['async_id_symbol', 'trigger_async_id_symbol'].map((name) =>
    symbols.find(({ description }) => description === name),
  )
  if (id === undefined || trigger === undefined) return undefined
  // Fractions, since Node's own numbers are not stored as integers, and V8 drops the shape where a number does not fit it.
  return { [id]: 0.5, [trigger]: 0.5, callback: tickLike, args: undefined }
}
