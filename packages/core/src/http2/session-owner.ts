import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Reporter } from '../events/error-boundary.js'
import type { ServerState } from '../events/types.js'
import type { Intercept } from '../http/messages.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import type { UnacknowledgedBytes } from '../socket/unacknowledged-bytes.js'

// The interfaces through which a session uses its server. `S` is the session: the class is defined in a file that imports this one.

/** The drain that is under way. */
export interface DrainOfStreams {
  /** A request has arrived. */
  used(arrived: number): void
  finished(arrived: number, exchange?: object): void
  wasCut(requests?: number): void
  /** Other code in the process ends connections with requests in flight, at this place. */
  cutByOthers(place: string | undefined): void
  /** Something ended: the drain may be over. */
  check(): void
}

/** What is counted of sessions and streams. */
export interface StreamCounts {
  opened: number
  received: number
  finished: number
  cut: number
  aborted: number
  dropped: number
}

/** The server of a session. */
export interface SessionOwner<S> {
  readonly policy: Policy
  readonly timers: Timers
  readonly unacknowledged: UnacknowledgedBytes
  readonly events: Reporter
  readonly counts: StreamCounts
  /** The server listens on a path: its connections have no addresses. */
  readonly listensOnPath: boolean
  readonly drain: DrainOfStreams | undefined
  /** Where the drain stands for a session that was opened at that time. */
  phaseFor(openedAt: number): ServerState
  readonly limits: {
    enter(session: S): void
    busy(session: S): void
    idle(session: S): void
    leave(session: S): void
    enterAnew(session: S): void
  }
  readonly sessions: { of(http2: Http2Session | undefined): S | undefined; goIdle(session: S): void; linger(session: S): void }
  /** Answers a request before the application sees it. */
  readonly intercept: Intercept | undefined
  /** Passes an event on to the listeners that would have got it without halfclose. */
  readonly forward: (event: string, args: readonly unknown[]) => boolean
  /** A stream belongs to another protocol from now on. */
  upgraded(socket: Socket, method: string | undefined, target: string | undefined, protocol: string | undefined): void
  sessionClosed(session: S): void
}
