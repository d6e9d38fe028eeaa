import { performance } from 'node:perf_hooks'
import { setTimeout } from '../node/real-timers.js'
import { reliefOf } from '../policy.js'
import type { AnyConnection } from './any-connection.js'
import { isStillIdle, longestIdle, type ServerConnections } from './longest-idle.js'

/** A search walks over all connections. So many of them are paid for by each new connection: otherwise a crowd of clients could make every accept a walk. */
const PAID = 64
/** After so many milliseconds the next search is free, and what the last one found is forgotten. */
const AGAIN = 50
/** How many connections one search finds at most. */
const MOST = 1_024

/**
 * Finds idle connections to close when descriptors run short, a few for each new connection. One search serves many new connections: its finds are
 * kept for a moment, in the order in which they are closed.
 */
export class LongestIdleCache {
  readonly #servers: () => Iterable<ServerConnections>
  readonly #isChosen: (member: AnyConnection) => boolean
  /** What the last search found, with the number of requests that each had had; the next one to close is the last. */
  #found: { readonly member: AnyConnection; readonly requests: number }[] = []
  /** How many are closed at a time. */
  #relief = 1
  #searchedAt = Number.NEGATIVE_INFINITY
  /** How many times a connection was needed since the last search. */
  #asked = 0

  constructor(servers: () => Iterable<ServerConnections>, isChosen: (member: AnyConnection) => boolean) {
    this.#servers = servers
    this.#isChosen = isChosen
  }

  /** The next connections to close; `undefined`: none is known, and it is too early for another search. */
  next(): readonly AnyConnection[] | undefined {
    this.#asked++
    const now = performance.now()
    if (now >= this.#searchedAt + AGAIN) this.#search(now)
    else {
      const kept = this.#take()
      if (kept.length > 0) return kept
      if (this.#asked * PAID < this.#open()) return undefined
      this.#search(now)
    }
    return this.#take()
  }

  #search(now: number): void {
    this.#searchedAt = now
    this.#asked = 0
    const { idle, chosen } = longestIdle(this.#servers(), { most: MOST, isChosen: this.#isChosen, silent: true })
    this.#relief = reliefOf(idle)
    this.#found = chosen.map((member) => ({ member, requests: member.requests })).reverse()
    // Closed connections would otherwise stay in memory until descriptors run short again.
    if (chosen.length > 0) setTimeout(this.#forget, AGAIN).unref()
  }

  readonly #forget = (): void => {
    if (performance.now() >= this.#searchedAt + AGAIN) this.#found = []
  }

  #take(): AnyConnection[] {
    const taken: AnyConnection[] = []
    while (taken.length < this.#relief) {
      const next = this.#found.pop()
      if (next === undefined) break
      const { member, requests } = next
      const isOpen = member.ending === undefined && !member.socket.destroyed
      if (isOpen && isStillIdle(member, requests) && !this.#isChosen(member)) taken.push(member)
    }
    return taken
  }

  #open(): number {
    let open = 0
    for (const { connections, sessions } of this.#servers()) open += connections.size + sessions.size
    return open
  }
}
