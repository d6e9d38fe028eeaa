import { performance } from 'node:perf_hooks'
import { type Counts, count } from '../events/events.js'
import type { CloseReason, HeldBy, PromiseBreaker, Report } from '../events/types.js'
import { HELD_AT_MOST } from './report.js'
import type { Schedule } from './schedule.js'

/** What a drain counts. */
export class DrainCounts {
  readonly #reason: string
  readonly #schedule: Schedule
  /** Promises of its own servers that were broken since it began. */
  readonly #broken: Partial<Record<PromiseBreaker, number>> = {}
  readonly #byReason: Partial<Record<CloseReason, number>> = {}
  readonly #heldBy: HeldBy[] = []
  #heldByMore = 0
  #finished = 0
  #rescued = 0
  #closed = 0
  #cut = 0
  readonly #total: Counts['drain']
  /** Connections that no policy governs, for which it waited. */
  unseen = 0
  /** TLS handshakes that it destroyed. */
  handshakes = 0

  /** `total`: the counts of all drains of the handle. */
  constructor(reason: string, schedule: Schedule, total: Counts['drain']) {
    this.#total = total
    this.#reason = reason
    this.#schedule = schedule
  }

  promiseBroken(promise: PromiseBreaker): void {
    count(this.#broken, promise)
  }

  finished(arrived: number): void {
    const isRescued = arrived >= this.#schedule.began
    this.#total[isRescued ? 'rescued' : 'finished']++
    if (isRescued) this.#rescued++
    else this.#finished++
  }

  wasCut(requests: number): void {
    this.#total.cut += requests
    this.#cut += requests
  }

  closed(reason: CloseReason): void {
    this.#closed++
    count(this.#byReason, reason)
  }

  heldBy(held: HeldBy): void {
    if (this.#heldBy.length < HELD_AT_MOST) this.#heldBy.push(held)
    else this.#heldByMore++
  }

  report(): Report {
    const now = performance.now()
    const { began, since } = this.#schedule
    return {
      clean: this.#cut === 0,
      reason: this.#reason,
      ms: Math.round(now - began),
      phases: { leaving: Math.round(since - began), draining: Math.round(now - since) },
      requests: { finished: this.#finished, rescued: this.#rescued, cut: this.#cut },
      connections: { closed: this.#closed, byReason: this.#byReason },
      promisesBroken: this.#broken,
      heldBy: this.#heldBy,
      heldByMore: this.#heldByMore,
      unseen: this.unseen,
      handshakes: this.handshakes,
    }
  }
}
