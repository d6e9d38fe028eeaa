import type { ConnectionState, ConnectionsEvents, OpenConnection, Report, ServerState, Stats } from './events/types.js'
import type { AttachableServer } from './node/attachable-server.js'
import type { Policy } from './options/types.js'

export type * from './events/types.js'
export type { AttachableServer } from './node/attachable-server.js'
export type * from './options/types.js'

/** Of `connections.drain()`. */
export interface DrainRequest {
  /** Why, for the log and the report, e.g. `'SIGTERM'`. Default `'drain'`. */
  reason?: string | undefined
  /** Drain like `drain: 'fast'` (delay, idle, silent 0, deadline at most 2_000), whatever the policy says. */
  fast?: boolean | undefined
}

/** Of `connections.list()`. */
export interface ListRequest {
  /** The most that it returns, an integer of at least 1; default `false`: all. Only these are described. */
  limit?: number | false | undefined
  /** Only those in this state, or in one of these. Default: all. */
  state?: ConnectionState | readonly ConnectionState[] | undefined
}

/** The handle that {@link attach} returns. */
export interface Connections {
  /** Its state: `'serving'` until a drain begins. */
  readonly state: ServerState
  /** For a readiness probe: `state === 'serving'`. */
  readonly ready: boolean
  /** Aborted on entering `draining`, so that event streams and long polls can end themselves. */
  readonly signal: AbortSignal
  /** Milliseconds left until the drain's deadline; `Infinity` while serving. */
  remaining(): number
  /** The options as they were understood, every field present, deeply frozen. With several servers: the first one's. */
  readonly policy: Policy
  /** What is open now, and what was counted since the handle was made: a copy, as a plain object. It walks over every connection. */
  stats(): Stats
  /**
   * What is open now, the most interesting first: connections with a request (the longest first), then those of other protocols, lingering ones, those that never sent a
   * request, and idle ones. A snapshot, for people; {@link formatConnections} prints it. It walks over every connection. Throws `HALFCLOSE_OPTION_TYPE`,
   * `HALFCLOSE_OPTION_RANGE` or `HALFCLOSE_OPTION_UNKNOWN` for a wrong `request`. Connections that the policy cannot see are not in it: `stats().unseen`.
   */
  list(request?: ListRequest): OpenConnection[]
  /**
   * Listens to an event of {@link ConnectionsEvents}. Throws `HALFCLOSE_EVENT_UNKNOWN` if there is none of that name. An error of a listener is an uncaught exception, and
   * interrupts nothing else.
   */
  on<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** As {@link on}, for the next one only. */
  once<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** Removes a listener that {@link on} or {@link once} has added, if there is one. */
  off<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** Puts another server under the same policy, counts and drain. */
  attach(server: AttachableServer): this
  /**
   * Closes at most `count` idle connections, output first: the longest idle past their promise, then, counted as broken promises (`pressure`), the longest idle of the
   * others. For an application that is short of something (memory, time). Returns at once how many it has chosen; they are closed after a look at their input, and one that
   * has got a request stays. Connections with a request under way, and those that never had one, are left alone. Throws `HALFCLOSE_OPTION_TYPE` or `HALFCLOSE_OPTION_RANGE`
   * for a `count` that is no integer of at least 0; `Infinity` is all.
   */
  relieve(count: number): number
  /**
   * Ends every connection: `leaving`, `draining`, `drained`. Idempotent: later callers get the first promise. It always settles by deadline + linger.quiet, and never
   * rejects. It does not exit the process.
   */
  drain(request?: DrainRequest): Promise<Report>
}
