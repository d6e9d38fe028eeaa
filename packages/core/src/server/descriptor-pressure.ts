import { performance } from 'node:perf_hooks'
import { optionTypeError } from '../errors/errors.js'
import { attempt } from '../events/error-boundary.js'
import type { Events } from '../events/events.js'
import { kill } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { closeIfQuiet } from '../http1/idle.js'
import { goAway, killSession } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import { descriptorLimit } from '../node/descriptor-limit.js'
import { inBatches } from '../node/in-batches.js'
import { streamDescriptor } from '../node/socket-handle.js'
import { afterPoll } from '../node/timers.js'
import { count as atLeast } from '../options/rules.js'
import { descriptorReserve, GRACE } from '../policy.js'
import type { Handshakes } from '../socket/tls-handshakes.js'
import { isStillIdle, longestIdle, type ServerConnections } from './longest-idle.js'
import { LongestIdleCache } from './longest-idle-cache.js'

type Member = Connection | Session

/** Milliseconds between two warnings. */
const WARN_AGAIN = 60_000
/** A limit of open files below this is logged at the start: a server with persistent connections reaches it. */
const SCANT = 4_096

/** What happens to a connection that has just been accepted. */
export type Admission = 'taken' | 'refused' | 'dropped'

/**
 * Watches for descriptors that run short. At the limit libuv accepts and closes every waiting connection without any report. So connections are
 * closed before that. POSIX gives a new socket the lowest free descriptor, so its number shows how many are open at least. In a reserve below the
 * limit the connections that have been idle longest are closed; if there are none, the new connection is refused.
 */
export class DescriptorPressure {
  readonly #servers: () => Iterable<ServerConnections & { readonly handshakes: Handshakes }>
  readonly #events: Events
  readonly #limitOf: () => number
  #limit = 0
  /** The first descriptor of the reserve. It is -1 at first, so the first connection makes halfclose read the limit. */
  #from = -1
  readonly #search: LongestIdleCache
  /** Connections that were chosen to be closed. They hold their descriptors until their clients end, too. */
  readonly #going = new Map<Member, number>()
  /** Those of them whose output the server has ended, in that order. */
  readonly #ended = new Set<Member>()
  #warnedAt = Number.NEGATIVE_INFINITY
  #closed = 0
  #refused = 0

  /** `limitOf`: for tests. */
  constructor(
    servers: () => Iterable<ServerConnections & { readonly handshakes: Handshakes }>,
    events: Events,
    limitOf: () => number = descriptorLimit,
  ) {
    this.#servers = servers
    this.#events = events
    this.#limitOf = limitOf
    this.#search = new LongestIdleCache(servers, this.#isGoing)
  }

  /** A server begins to listen. `isLimited`: the policy limits the number of connections. */
  listening(isLimited: boolean): void {
    this.#read()
    if (this.#limit >= SCANT || isLimited) return
    const message = `halfclose: this process may have ${this.#limit} descriptors open, so at most some ${this.#from} connections; ${REMEDY}`
    this.#events.routine('descriptors', { limit: this.#limit }, message)
  }

  /** A connection has been accepted, or a stream that has no descriptor. */
  admit(stream: object): Admission {
    const descriptor = streamDescriptor(stream)
    return descriptor < this.#from ? 'taken' : this.#relieveFor(descriptor)
  }

  /** Whether there is too little room for a connection whose TLS handshake is finished. */
  refuses(stream: object): boolean {
    const descriptor = streamDescriptor(stream)
    return descriptor >= this.#from && this.#relieveFor(descriptor) !== 'taken'
  }

  /** Closes the connections that have been idle longest, output first. Returns how many were chosen. A connection that is used meanwhile stays. */
  relieve(count: number): number {
    const most = count === Number.POSITIVE_INFINITY ? count : atLeast(count, 'relieve(count)', 0)
    if (most === undefined) throw optionTypeError('relieve(count)', 'an integer of at least 0', count)
    return this.#closeSoon(longestIdle(this.#servers(), () => most, this.#isGoing, false).chosen)
  }

  /** The descriptor of a connection is free. */
  gone(member: Member): void {
    if (this.#going.size > 0 && this.#going.delete(member)) this.#ended.delete(member)
  }

  #read(): void {
    if (this.#from >= 0) return
    this.#limit = this.#limitOf()
    this.#from = this.#limit === Number.POSITIVE_INFINITY ? this.#limit : this.#limit - descriptorReserve(this.#limit)
  }

  #relieveFor(descriptor: number): Admission {
    this.#read()
    if (descriptor < this.#from) return 'taken'
    const reserve = this.#limit - this.#from
    // The server has ended its output on these connections, and their clients do not end theirs: the descriptors are needed now.
    if (descriptor >= this.#limit - reserve / 2) this.#endGoing(descriptor - this.#from)
    if (descriptor - this.#going.size >= this.#from) this.#choose()
    if (descriptor >= this.#limit - reserve / 4) return this.#refuse(descriptor, 'dropped')
    return descriptor - this.#going.size < this.#from ? this.#warn(descriptor, 'taken') : this.#refuse(descriptor, 'refused')
  }

  #choose(): void {
    const chosen = this.#search.next()
    if (chosen === undefined) return
    this.#closed += this.#closeSoon(chosen)
    if (this.#going.size > 0) return
    const now = performance.now()
    let left = 1
    for (const { handshakes } of this.#servers()) handshakes.destroyWhere((openedAt) => openedAt + GRACE <= now && left-- > 0)
  }

  readonly #isGoing = (member: Member): boolean => this.#going.has(member)

  #closeSoon(chosen: readonly Member[]): number {
    if (chosen.length === 0) return 0
    for (const member of chosen) this.#going.set(member, member.requests)
    // A request may have reached the kernel.
    afterPoll(() => inBatches(new Set(chosen), (member) => attempt(member, this.#closeOne)))
    return chosen.length
  }

  readonly #closeOne = (member: Member): void => {
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

  #endGoing(most: number): void {
    let left = most
    for (const member of this.#ended) {
      if (left-- <= 0) return
      this.#ended.delete(member)
      attempt(member, end)
    }
  }

  #refuse<A extends Admission>(descriptor: number, admission: A): A {
    this.#refused++
    return this.#warn(descriptor, admission)
  }

  #warn<A>(descriptor: number, admission: A): A {
    const now = performance.now()
    if (now < this.#warnedAt + WARN_AGAIN) return admission
    this.#warnedAt = now
    this.#events.warn({
      code: 'HALFCLOSE_FDS',
      message:
        `halfclose: descriptors run short: at least ${descriptor + 1} of ${this.#limit} are open. The longest idle connections are closed, and where none ` +
        `is idle new ones are refused (so far: ${this.#closed} closed, ${this.#refused} refused); ${REMEDY}`,
    })
    return admission
  }
}

const REMEDY =
  'raise the limit of open files (`ulimit -n`, LimitNOFILE= of systemd, --ulimit nofile= of Docker), or set `limits.connections` below it'

function end(member: Member): void {
  if (member instanceof Session) killSession(member)
  else kill(member)
}
