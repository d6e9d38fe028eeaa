import { AsyncResource } from 'node:async_hooks'
import { performance } from 'node:perf_hooks'
import { LONGEST, NEVER, owedAfter, pieceOf, type Standstill, withTimer } from './standstill.js'

/**
 * Turns of the loop in which what the kernel has of a peer's input is read and answered: one until it is a request, two more until its answer has been
 * written over HTTP/2 and TLS; and the first turn may have begun already.
 */
const TURNS = 4

/**
 * Runs after some whole turns of the poll phase. Timers run before I/O: a decision that is taken in a timer knows nothing of what has reached the
 * kernel while the process stood still.
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
 * The timers of one policy: whatever is closed, cut or reported by time goes through here. What they do is done after a look at the input, and a peer
 * is given the time in which this process stood still. They are armed in the async context of `attach()`, so that they keep no request's store alive,
 * and nobody's 'close' is told in the context of another request.
 */
export class Timers {
  readonly #failed: (error: unknown) => void
  #standstill: Standstill = NEVER
  readonly #root = new AsyncResource('HalfcloseTimers', { requireManualDestroy: true })

  /** `failed`: is told what a timer's work throws, which ends neither the process nor the others. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** Milliseconds, as `performance.now()` has them, less those in which the process is known to have stood still. */
  get now(): number {
    return performance.now() - this.#standstill.lost
  }

  /** Milliseconds in which the process is known to have stood still so far. */
  get lost(): number {
    return this.#standstill.lost
  }

  /** Milliseconds that are still owed to peers which waited while the process stood still: as long as that took, at most `most`. */
  owed(most: number): number {
    return owedAfter(this.#standstill, performance.now(), most)
  }

  /** Runs once the process has been running for `ms`, after a look at the input. */
  after(ms: number, run: () => void, options?: TimerOptions): Timer {
    const until = this.now + ms
    return new Bound(this, ms, () => until - this.now, run, options?.unref === true)
  }

  /** Runs in `ms`, whether the process was running or not, after a look at the input: for a deadline that others keep as well. */
  deadline(ms: number, run: () => void): Timer {
    const until = performance.now() + ms
    return new Bound(this, ms, () => until - performance.now(), run, false)
  }

  /** Runs every `ms`, after a look at the input. */
  every(ms: number, run: () => void, options?: TimerOptions): Timer {
    return new Pulse(this, ms, run, options?.unref === true)
  }

  /** Runs at once, in that context: what is told to the application is no request's, whoever has brought it about. */
  inRoot<T>(run: () => T): T {
    return this.#root.runInAsyncScope(run)
  }

  /**
   * Arms one of Node's own, without any look, for at most {@link LONGEST}: the sum of two durations may be more. The timers below say when it has
   * `fired`.
   */
  arm(ms: number, fire: () => void, unref = false): NodeJS.Timeout {
    const timeout = this.#root.runInAsyncScope(setTimeout, undefined, fire, Math.min(ms, LONGEST))
    return unref ? timeout.unref() : timeout
  }

  /** For the timers below: does what one is for. */
  act(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** For the timers below: one that was due at `due` has fired. */
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
    // First: what runs may stop it.
    this.#due = performance.now() + this.#ms
    this.#timeout = this.#timers.arm(this.#ms, this.#fire, this.#unref)
    this.#timers.act(this.#run)
  }
}
