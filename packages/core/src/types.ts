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
  /** Drain as `drain: 'fast'` would (delay, idle, silent 0, deadline at most 2_000), whatever the policy says. */
  fast?: boolean | undefined
}

/** Of `connections.list()`. */
export interface ListRequest {
  /** How many at most, an integer of at least 1; `false`: all, which is the default. Only those are described. */
  limit?: number | false | undefined
  /** Only those in this state, or in one of these. Default: all. */
  state?: ConnectionState | readonly ConnectionState[] | undefined
}

/** The handle that {@link attach} returns. */
export interface Connections {
  /** Where it stands: `'serving'` until a drain begins. */
  readonly state: ServerState
  /** For a readiness probe: `state === 'serving'`. */
  readonly ready: boolean
  /** Aborted on entering `draining`, so that event streams and long polls can end themselves. */
  readonly signal: AbortSignal
  /** Milliseconds left until the drain's deadline; `Infinity` while serving. */
  remaining(): number
  /** The options as they were understood, every field present, deeply frozen. With several servers that of the first. */
  readonly policy: Policy
  /** What is open now, and what was counted since the handle was made: a plain object, a copy. It walks over every connection. */
  stats(): Stats
  /**
   * What is open now, the most interesting first: what has a request (the longest first), then other protocols, what lingers, what never sent a request, and what is
   * idle. A snapshot, for people. It walks over every connection. {@link formatConnections} prints it. Throws `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_OPTION_RANGE` or
   * `HALFCLOSE_OPTION_UNKNOWN` for a wrong `request`. Connections that the policy cannot see are not in it: `stats().unseen`.
   */
  list(request?: ListRequest): OpenConnection[]
  /**
   * Listens to an event of {@link ConnectionsEvents}. Throws `HALFCLOSE_EVENT_UNKNOWN` where there is no such event. What a listener throws is an
   * uncaught exception, and breaks off nothing.
   */
  on<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** As {@link on}, for the next one only. */
  once<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** Removes a listener that {@link on} or {@link once} has added; nothing happens where there is none. */
  off<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** Puts another server under the same policy, count and drain. */
  attach(server: AttachableServer): this
  /**
   * Lets go of at most `count` idle connections, output first: the longest idle ones that are past their promise, then, counted as broken promises (`pressure`), the
   * longest idle of the others. For an application that is short of something (memory, time). Returns how many it lets go of, at once; they are closed
   * after a look at what their clients have sent meanwhile, and one that has got a request stays. Connections amid a request, and those without one so far, are left
   * alone. A `count` that is no integer of at least 0 throws `HALFCLOSE_OPTION_TYPE` or `HALFCLOSE_OPTION_RANGE`; `Infinity` is all.
   */
  relieve(count: number): number
  /**
   * Ends every connection: `leaving`, `draining`, `drained`. Idempotent: later callers get the first promise. Settles by
   * deadline + linger.quiet, always, and never rejects. Does not exit the process.
   */
  drain(request?: DrainRequest): Promise<Report>
}
