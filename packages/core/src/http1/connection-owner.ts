import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Reporter } from '../events/error-boundary.js'
import type { ConnectionState, PromiseBreaker, ServerState } from '../events/types.js'
import type { Intercept, RequestEvent } from '../http/messages.js'
import type { AttachableServer } from '../node/attachable-server.js'
import type { Inherited, KeepsAlive } from '../node/server-kinds.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import type { Lingering, Lingers } from '../socket/lingering-close.js'
import type { UnacknowledgedBytes } from '../socket/unacknowledged-bytes.js'

// The interfaces through which a connection uses its server. `C` is the connection: the class is defined in a file that imports this one.

/** The policy, and the server's own settings. */
export interface PolicyInForce {
  readonly policy: Policy
  /** The milliseconds that Node has to print as `timeout=` while nothing shortens the promise; `undefined`: Node cannot print the promise itself. */
  readonly printable: number | undefined
  /** The server's `keepAliveTimeout` as halfclose set it, and what Node prints of that as `timeout=`, in milliseconds. */
  readonly shownTimeout: number
  readonly printed: number
  /** The server, if it has the settings of HTTP/1.1. */
  readonly keepsAlive: KeepsAlive | undefined
  /** The server's own settings from before. */
  readonly inherited: Inherited
  readonly requireHost: boolean
  /** Whether responses are given their `statusMessage` early. */
  presetsMessage: boolean
  /** Adopts settings of the server that the application has changed. */
  readonly follow: () => void
}

/** The drain that is under way. */
export interface DrainOfRequests {
  readonly began: number
  /** A request has arrived. */
  used(arrived: number): void
  finished(arrived: number, exchange?: object): void
  /** The request asks for the readiness route. */
  probed(exchange: object): void
  /** Other code in the process ends connections with requests in flight, at this place. */
  cutByOthers(place: string | undefined): void
  /** A socket is being destroyed. */
  closing(socket: Socket): void
}

/** Where the server stands in its drain. */
export interface DrainStanding {
  readonly phase: ServerState
  readonly drain: DrainOfRequests | undefined
  readonly draining: boolean
  /** The same for a connection that was opened at that time. */
  phaseFor(openedAt: number): ServerState
  /** The time in whole milliseconds, rounded so that a request before a drain is before it. */
  readonly now: number
  /** When a request arrives: like `now` in a drain, otherwise up to a tenth of a second earlier. */
  readonly arrival: number
  /** Milliseconds for which an idle connection will be kept. */
  keepable(): number
  /** While `leaving`: the part of the delay that is over. */
  left(): number
}

/** The counts of requests. */
export interface RequestCounts {
  received: number
  finished: number
  dropped: number
}

/** The server's other connections. */
export interface OtherConnections<C extends Lingers<C>> {
  readonly connections: { turn(connection: C, phase: ConnectionState): void }
  /** Every request has to be checked against limits or routes of halfclose. */
  readonly isDemanding: boolean
  readonly idleTimeout: { readonly period: number; rest(connection: C): void }
  readonly limits: {
    busy(connection: C): void
    idle(connection: C): void
    leave(connection: C): void
    enterAnew(connection: C): void
  }
  readonly lingering: Lingering<C>
  readonly closeDelimited: { add(connection: C): void; delete(connection: C): void }
  readonly tcpKeepAlive: { enable(socket: Socket): void; enableIfItLasts(): void }
  /** A connection has come under the policy. */
  readonly admit: (socket: Socket, raw: Socket | undefined) => void
  /** The request that is being answered, if there is one, will never be finished. */
  requestBrokenOff(connection: C): void
  /** A promise was broken. */
  promiseBroken(promise: PromiseBreaker): void
  closed(connection: C): void
  /** The socket belongs to another protocol now. */
  restoreSocket(connection: C): void
  upgraded(socket: Socket, method: string | undefined, target: string | undefined, protocol: string | undefined): void
}

/** How events reach the application. */
export interface Application {
  readonly server: AttachableServer
  /** The value of `server.emit`, unless other code has wrapped it. */
  readonly emit: unknown
  readonly events: Reporter
  readonly intercept: Intercept | undefined
  /** Whether the application listens for CONNECT. */
  readonly takesTunnels: () => boolean
  /** Passes an event on to the listeners that would have got it without halfclose. */
  readonly forward: (event: string, args: readonly unknown[]) => boolean
  readonly forwardRequest: (event: RequestEvent, req: IncomingMessage, res: ServerResponse) => boolean
}

/** The server of a connection. */
export interface ConnectionOwner<C extends Lingers<C>> extends PolicyInForce, DrainStanding, OtherConnections<C>, Application {
  readonly counts: RequestCounts
  readonly timers: Timers
  readonly unacknowledged: UnacknowledgedBytes
  /** The server listens on a path: its connections have no addresses. */
  readonly listensOnPath: boolean
}
