import { setTimeout as elapse } from 'node:timers/promises'

/** How long a client waits for something that must happen, before it says what it has seen instead. `HALFCLOSE_PATIENCE` changes it. */
export const patience = Number(process.env.HALFCLOSE_PATIENCE ?? 6_000)

/** For cases whose subject is the time that passes; never to wait for something to happen. */
export const pass = (ms: number): Promise<void> => elapse(ms)

/** A wait is bounded in so many pieces: where the machine stood still, a timer is over before anything else has had its turn, and that is one piece. */
const PIECES = 10

/** What the promise resolves with, or an error that says what was waited for. */
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

/** Looks again and again; for facts that announce themselves by no event. */
export async function until(what: string, test: () => boolean | Promise<boolean>, ms = patience): Promise<void> {
  let left = ms
  let at = performance.now()
  // Not by a timer of its own, as above: some tests look at what timers there are.
  while (!(await test())) {
    if (left <= 0) throw new Error(`not within ${ms} ms: ${what}`)
    await elapse(10)
    const before = at
    at = performance.now()
    left -= Math.min(at - before, ms / PIECES)
  }
}

/** A list that can be waited for: each `at(n)` resolves once the list has more than n entries. */
export class Arrivals<T> {
  /** What is there so far. */
  readonly list: T[] = []
  readonly #waiting = new Map<number, ((value: T) => void)[]>()

  /** Adds one. */
  push(value: T): void {
    const index = this.list.push(value) - 1
    for (const wake of this.#waiting.get(index) ?? []) wake(value)
    this.#waiting.delete(index)
  }

  /** Resolves with the entry once it is there. */
  at(index: number): Promise<T> {
    const there = this.list[index]
    if (there !== undefined) return Promise.resolve(there)
    return new Promise((resolve) => this.#waiting.set(index, [...(this.#waiting.get(index) ?? []), resolve]))
  }
}

/** A promise, and what resolves it. */
export interface Deferred<T> {
  /** To wait for. */
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
