import { setTimeout as elapse } from 'node:timers/promises'

/** How long a test waits for something that must happen, before it says what it has seen instead. */
export const patience = Number(process.env.HALFCLOSE_PATIENCE ?? 6_000)

/** For tests whose subject is the time that passes; never to wait for something to happen. */
export const pass = (ms: number): Promise<void> => elapse(ms)

/** A wait is bounded in so many pieces: where the machine stood still, a timer is over before anything else has had its turn, and that is one piece. */
const PIECES = 10

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
  readonly list: T[] = []
  readonly #waiting = new Map<number, ((value: T) => void)[]>()

  push(value: T): void {
    const index = this.list.push(value) - 1
    for (const wake of this.#waiting.get(index) ?? []) wake(value)
    this.#waiting.delete(index)
  }

  at(index: number): Promise<T> {
    const there = this.list[index]
    if (there !== undefined) return Promise.resolve(there)
    return new Promise((resolve) => this.#waiting.set(index, [...(this.#waiting.get(index) ?? []), resolve]))
  }
}

export interface Deferred<T> {
  promise: Promise<T>
  resolve: (value: T) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** What keeps this process alive or is installed in it, by kind. */
export function openResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  const add = (kind: string, count: number) => {
    counts[kind] = (counts[kind] ?? 0) + count
  }
  for (const kind of process.getActiveResourcesInfo()) if (/TCP|TLS|Timeout|Immediate/.test(kind)) add(kind, 1)
  for (const event of process.eventNames()) add(`listeners of process '${String(event)}'`, process.listenerCount(event))
  return counts
}
