import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { NEVER, owedAfter, pieceOf, type Standstill, withTimer } from './process-standstill.js'
import { clearTimeout, LONGEST_DELAY, setImmediate, setTimeout } from './real-timers.js'

/**
 * Turns of the loop in which input that the kernel already has is read and answered: one until it is a request, two more until the answer is written
 * over HTTP/2 and TLS; and the first turn may have begun already.
 */
const TURNS = 4

/**
 * Runs after some whole turns of the poll phase. Timers run before I/O: a decision taken in a timer would not know what reached the kernel while the
 * process stood still.
 */
export function afterPoll(run: () => void): void {
  let left = TURNS
  const turn = () => {
    if (--left > 0) setImmediate(turn)
    else run()
  }
  setImmediate(turn)
}

/** A timer that is under way. Stopping it twice, or after it has fired, does nothing. */
export interface Timer {
  stop(): void
}

/** How a timer differs from the usual one. */
export interface TimerOptions {
  /** The process may end before it fires. */
  readonly unref?: boolean
}

/**
 * The timers of one policy. Everything that is closed, cut or reported by time uses them: they look at the input first, and give clients back the
 * time in which this process stood still. They run in the async context of `attach()`, so that they keep no request's store alive, and report no
 * 'close' in the context of another request.
 */
export class Timers {
  readonly #failed: (error: unknown) => void
  #standstill: Standstill = NEVER
  readonly #root = new AsyncResource('HalfcloseTimers', { requireManualDestroy: true })

  /** `failed` is told what the work of a timer throws: that ends neither the process nor the other timers. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** Milliseconds like `performance.now()`, without the time in which the process is known to have stood still. */
  get now(): number {
    return performance.now() - this.#standstill.lost
  }

  /** Milliseconds in which the process is known to have stood still so far. */
  get lost(): number {
    return this.#standstill.lost
  }

  /** Milliseconds still owed to clients that waited while the process stood still: as long as the standstill took, at most `most`. */
  owed(most: number): number {
    return owedAfter(this.#standstill, performance.now(), most)
  }

  /** Runs when the process has been running for `ms`, after a look at the input. */
  after(ms: number, run: () => void, options?: TimerOptions): Timer {
    const until = this.now + ms
    return new Bound(this, ms, () => until - this.now, run, options?.unref === true)
  }

  /** Runs in `ms` by the clock, standstills included, after a look at the input: for a deadline that others keep as well. */
  deadline(ms: number, run: () => void): Timer {
    const until = performance.now() + ms
    return new Bound(this, ms, () => until - performance.now(), run, false)
  }

  /** Runs every `ms`, after a look at the input. */
  every(ms: number, run: () => void, options?: TimerOptions): Timer {
    return new Pulse(this, ms, run, options?.unref === true)
  }

  /** Runs at once in that context: what the application is told belongs to no request, even if a request caused it. */
  inRoot<T>(run: () => T): T {
    return this.#root.runInAsyncScope(run)
  }

  /**
   * Arms a plain Node timer, without a look at the input, for at most {@link LONGEST_DELAY}: the sum of two durations may be longer. The classes below call
   * `fired` when it fires.
   */
  arm(ms: number, fire: () => void, unref = false): NodeJS.Timeout {
    const timeout = this.#root.runInAsyncScope(setTimeout, undefined, fire, Math.min(ms, LONGEST_DELAY))
    return unref ? timeout.unref() : timeout
  }

  /** For the classes below: runs the work of a timer. */
  act(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** For the classes below: a timer that was due at `due` has fired. */
  fired(due: number): void {
    this.#standstill = withTimer(this.#standstill, due, performance.now())
  }
}

class Bound implements Timer {
  readonly #timers: Timers
  readonly #ms: number
  readonly #left: () => number
  readonly #run: () => void
  readonly #unref: boolean
  #timeout: NodeJS.Timeout | undefined
  #due = 0
  #stopped = false

  constructor(timers: Timers, ms: number, left: () => number, run: () => void, unref: boolean) {
    this.#timers = timers
    this.#ms = ms
    this.#left = left
    this.#run = run
    this.#unref = unref
    this.#arm(pieceOf(ms, ms) ?? 0)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timeout)
  }

  #arm(piece: number): void {
    this.#due = performance.now() + piece
    this.#timeout = this.#timers.arm(piece, this.#fire, this.#unref)
  }

  readonly #fire = (): void => {
    this.#timers.fired(this.#due)
    const piece = pieceOf(this.#ms, this.#left())
    if (piece === undefined) afterPoll(this.#act)
    else this.#arm(piece)
  }

  readonly #act = (): void => {
    if (!this.#stopped) this.#timers.act(this.#run)
  }
}

class Pulse implements Timer {
  readonly #timers: Timers
  readonly #ms: number
  readonly #run: () => void
  readonly #unref: boolean
  #timeout: NodeJS.Timeout
  #due: number
  #stopped = false

  constructor(timers: Timers, ms: number, run: () => void, unref: boolean) {
    this.#timers = timers
    this.#ms = ms
    this.#run = run
    this.#unref = unref
    this.#due = performance.now() + ms
    this.#timeout = timers.arm(ms, this.#fire, unref)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timeout)
  }

  readonly #fire = (): void => {
    this.#timers.fired(this.#due)
    afterPoll(this.#act)
  }

  readonly #act = (): void => {
    if (this.#stopped) return
    // Armed first, because what runs may stop it.
    this.#due = performance.now() + this.#ms
    this.#timeout = this.#timers.arm(this.#ms, this.#fire, this.#unref)
    this.#timers.act(this.#run)
  }
}
