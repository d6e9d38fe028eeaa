import { optionTypeError } from '../errors/errors.js'
import { attempt } from '../events/error-boundary.js'
import { kill } from '../http1/close.js'
import { closeIfQuiet } from '../http1/idle.js'
import { goAway, killSession } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import { inBatches } from '../node/in-batches.js'
import { afterPoll } from '../node/timers.js'
import { count as atLeast } from '../options/rules.js'
import type { AnyConnection } from './any-connection.js'
import { isStillIdle, longestIdle, type ServerConnections } from './longest-idle.js'

/**
 * Closes idle connections so that their descriptors become free, output first. It knows those that it is closing: they hold their descriptors until
 * their clients end, too.
 */
export class Relief {
  readonly #servers: () => Iterable<ServerConnections>
  /** The connections that were chosen, with the number of requests that each had had. */
  readonly #going = new Map<AnyConnection, number>()
  /** Those of them whose output the server has ended, in that order. */
  readonly #ended = new Set<AnyConnection>()

  constructor(servers: () => Iterable<ServerConnections>) {
    this.#servers = servers
  }

  /** How many connections were chosen and still hold their descriptors. */
  get size(): number {
    return this.#going.size
  }

  /** Whether a connection was chosen already. */
  readonly has = (member: AnyConnection): boolean => this.#going.has(member)

  /**
   * `connections.relieve(count)`: closes the connections that have been idle longest. Returns how many were chosen. A connection that is used
   * meanwhile stays.
   */
  relieve(count: number): number {
    const most = count === Number.POSITIVE_INFINITY ? count : atLeast(count, 'relieve(count)', 0)
    if (most === undefined) throw optionTypeError('relieve(count)', 'an integer of at least 0', count)
    return this.close(longestIdle(this.#servers(), { most, isChosen: this.has, silent: false }).chosen)
  }

  /** Closes connections that were idle when they were chosen, if they still are once the input in the kernel has been read. Returns how many they are. */
  close(chosen: readonly AnyConnection[]): number {
    if (chosen.length === 0) return 0
    for (const member of chosen) this.#going.set(member, member.requests)
    afterPoll(() => inBatches(new Set(chosen), (member) => attempt(member, this.#closeOne)))
    return chosen.length
  }

  /** The descriptor of a connection is free. */
  gone(member: AnyConnection): void {
    if (this.#going.size > 0 && this.#going.delete(member)) this.#ended.delete(member)
  }

  /** Destroys at most so many connections whose output the server has ended, and whose clients have not ended theirs. */
  killEnded(most: number): void {
    let left = most
    for (const member of this.#ended) {
      if (left-- <= 0) return
      this.#ended.delete(member)
      attempt(member, killOne)
    }
  }

  readonly #closeOne = (member: AnyConnection): void => {
    const requests = this.#going.get(member)
    if (requests === undefined) return
    if (!isStillIdle(member, requests)) {
      this.#going.delete(member)
      return
    }
    if (member instanceof Session) goAway(member, 'pressure')
    else closeIfQuiet(member, 'pressure', 'pressure')
    if (!this.#going.has(member)) return
    if (member.ending === 'pressure') this.#ended.add(member)
    // A request has begun to arrive.
    else if (member.ending === undefined) this.#going.delete(member)
  }
}

function killOne(member: AnyConnection): void {
  if (member instanceof Session) killSession(member)
  else kill(member)
}
