import { setTimeout as elapse } from 'node:timers/promises'

/** How long a client waits for an event before it fails with what it has seen, in ms. `HALFCLOSE_PATIENCE` changes it. */
export const patience = Number(process.env.HALFCLOSE_PATIENCE ?? 6_000)

/** For tests about elapsed time; never to wait for an event. */
export const pass = (ms: number): Promise<void> => elapse(ms)

/**
 * A wait is divided into this many timers: if the machine stood still, a timer is over before other code has run, and that costs only one of them.
 */
const PIECES = 10

/** The promise's result, or an error that says what was waited for. */
export async function within<T>(promise: Promise<T>, what: () => string, ms = patience): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const waitOn = (pieces: number): void => {
      timer = setTimeout(() => {
        if (pieces > 1) waitOn(pieces - 1)
        else reject(new Error(`not within ${ms} ms: ${what()}`))
      }, ms / PIECES)
    }
    waitOn(PIECES)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Tests again and again, for facts without an event. */
export async function until(what: string, test: () => boolean | Promise<boolean>, ms = patience): Promise<void> {
  let left = ms
  let at = performance.now()
  // No timer beside the one of `elapse`: some tests look at the timers of the process.
  while (!(await test())) {
    if (left <= 0) throw new Error(`not within ${ms} ms: ${what}`)
    await elapse(10)
    const before = at
    at = performance.now()
    left -= Math.min(at - before, ms / PIECES)
  }
}

/** A list to wait for: `at(n)` resolves when the list has more than n entries. */
export class Arrivals<T> {
  /** The entries so far. */
  readonly list: T[] = []
  readonly #waiting = new Map<number, ((value: T) => void)[]>()

  /** Adds an entry. */
  push(value: T): void {
    const index = this.list.push(value) - 1
    for (const wake of this.#waiting.get(index) ?? []) wake(value)
    this.#waiting.delete(index)
  }

  /** Resolves to the entry when there is one. */
  at(index: number): Promise<T> {
    const there = this.list[index]
    if (there !== undefined) return Promise.resolve(there)
    return new Promise((resolve) => this.#waiting.set(index, [...(this.#waiting.get(index) ?? []), resolve]))
  }
}

/** A promise, and the function that resolves it. */
export interface Deferred<T> {
  /** The promise. */
  promise: Promise<T>
  /** Resolves it. */
  resolve: (value: T) => void
}

/** Makes one. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
