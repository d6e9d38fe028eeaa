import { performance } from 'node:perf_hooks'
import type { Timers } from '../node/timers.js'
import type { DrainPolicy } from '../options/types.js'
import { keepableFor } from '../policy.js'

/** When a drain's phases begin and end. */
export class Schedule {
  readonly plan: DrainPolicy
  readonly began = performance.now()
  /** When `draining` began; before that, when the drain did. */
  since = this.began
  readonly #timers: Timers
  /** Milliseconds for which the process had stood still before the phase began. */
  #lostBefore: number

  constructor(plan: DrainPolicy, timers: Timers) {
    this.plan = plan
    this.#timers = timers
    this.#lostBefore = timers.lost
  }

  /** `leaving` is over. */
  beginDraining(): void {
    this.since = performance.now()
    this.#lostBefore = this.#timers.lost
  }

  /** Milliseconds for which the process has stood still since the phase began: no client could use a connection then. */
  get lost(): number {
    return this.#timers.lost - this.#lostBefore
  }

  /** Milliseconds left until the deadline. */
  remaining(): number {
    return Math.max(0, this.began + this.plan.deadline - performance.now())
  }

  /** Milliseconds for which an idle connection will be kept. */
  keepable(): number {
    const untilDraining = Math.max(0, this.began + this.plan.delay + this.lost - performance.now())
    return keepableFor(this.plan.idle, untilDraining, this.remaining())
  }

  /** While `leaving`: the part of the delay that was over at a given time, from 0 to 1. */
  leftAt(at: number): number {
    return this.plan.delay === 0 ? 0 : Math.min(1, Math.max(0, (at - this.began - this.lost) / this.plan.delay))
  }

  /** Whether the drain waits for no idle connection, and so for no new one either. */
  get isFast(): boolean {
    return this.plan.idle === 0 && this.plan.silent === 0
  }

  /** What is left of the plan, for a server that comes under the policy during the drain. */
  rest(): DrainPolicy {
    const { delay, upgraded } = this.plan
    const deadline = this.remaining()
    return {
      ...this.plan,
      delay: Math.max(0, delay - (performance.now() - this.began)),
      deadline,
      upgraded: Math.min(upgraded, deadline),
    }
  }
}
