import { performance } from 'node:perf_hooks'
import type { Events } from '../events/events.js'
import { descriptorLimit } from '../node/descriptor-limit.js'
import { streamDescriptor } from '../node/socket-handle.js'
import { descriptorReserve, GRACE } from '../policy.js'
import type { Handshakes } from '../socket/tls-handshakes.js'
import type { ServerConnections } from './longest-idle.js'
import { LongestIdleCache } from './longest-idle-cache.js'
import { Relief } from './relieve.js'

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
  /** Closes idle connections. */
  readonly relief: Relief
  readonly #servers: () => Iterable<ServerConnections & { readonly handshakes: Handshakes }>
  readonly #events: Events
  readonly #limitOf: () => number
  #limit = 0
  /** The first descriptor of the reserve. It is -1 at first, so the first connection makes halfclose read the limit. */
  #from = -1
  readonly #longestIdle: LongestIdleCache
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
    this.relief = new Relief(servers)
    this.#longestIdle = new LongestIdleCache(servers, this.relief.has)
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
    if (descriptor >= this.#limit - reserve / 2) this.relief.killEnded(descriptor - this.#from)
    if (descriptor - this.relief.size >= this.#from) this.#choose()
    if (descriptor >= this.#limit - reserve / 4) return this.#refuse(descriptor, 'dropped')
    return descriptor - this.relief.size < this.#from ? this.#warn(descriptor, 'taken') : this.#refuse(descriptor, 'refused')
  }

  #choose(): void {
    const chosen = this.#longestIdle.next()
    if (chosen === undefined) return
    this.#closed += this.relief.close(chosen)
    if (this.relief.size > 0) return
    const now = performance.now()
    let left = 1
    for (const { handshakes } of this.#servers()) handshakes.destroyWhere((openedAt) => openedAt + GRACE <= now && left-- > 0)
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
