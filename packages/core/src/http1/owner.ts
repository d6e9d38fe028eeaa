import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Telling } from '../events/attempt.js'
import type { ConnectionState, PromiseBreaker, ServerState } from '../events/types.js'
import type { Intercept, RequestEvent } from '../http/messages.js'
import type { AttachableServer } from '../node/attachable-server.js'
import type { Inherited, KeepsAlive } from '../node/server-kinds.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import type { Lingering, Lingers } from '../socket/linger.js'

// What a connection needs of its server. `C` is the connection: these stand below it.

/** The policy, and what of it is in the server's own settings. */
export interface PolicyInForce {
  readonly policy: Policy
  /** What Node is to print as `timeout=` while nothing shortens the promise, in milliseconds; `undefined`: it cannot print the promise by itself. */
  readonly printable: number | undefined
  /** The server's `keepAliveTimeout` as we set it, and what Node prints of that as `timeout=`, in milliseconds. */
  readonly shownTimeout: number
  readonly printed: number
  /** The server, where it has settings of HTTP/1.1. */
  readonly keepsAlive: KeepsAlive | undefined
  /** The server's own settings, as they were before. */
  readonly inherited: Inherited
  readonly requireHost: boolean
  /** Whether a response is given its `statusMessage` early. */
  presetsMessage: boolean
  /** Takes over what the application has changed of the server's settings. */
  readonly follow: () => void
}

/** The drain that is under way. */
export interface DrainOfRequests {
  readonly began: number
  /** A request has arrived. */
  used(arrived: number): void
  finished(arrived: number, exchange?: object): void
  /** It asks for the readiness route. */
  probed(exchange: object): void
  /** Something else in the process ends connections with requests in flight, at this place in the code. */
  cutByOthers(place: string | undefined): void
  /** A socket is on its way out. */
  closing(socket: Socket): void
}

/** Where the server stands on its way out. */
export interface DrainStanding {
  readonly phase: ServerState
  readonly drain: DrainOfRequests | undefined
  readonly draining: boolean
  /** As `phase`, for a connection that was opened then. */
  phaseFor(openedAt: number): ServerState
  /** In whole milliseconds, so that what comes before a drain is before it. */
  readonly now: number
  /** When a request arrives: as `now` in a drain, and up to a tenth of a second early outside. */
  readonly arrival: number
  /** Milliseconds for which an idle connection will be kept. */
  keepable(): number
  /** While `leaving`: the part of the delay that is over. */
  left(): number
}

/** Requests that are counted. */
export interface RequestCounts {
  received: number
  finished: number
  dropped: number
}

/** The server's other connections. */
export interface OtherConnections<C extends Lingers<C>> {
  readonly connections: { turn(connection: C, phase: ConnectionState): void }
  /** There are limits or routes of ours to be looked at with every request. */
  readonly isDemanding: boolean
  readonly idleTimeout: { readonly period: number; rest(connection: C): void }
  readonly limits: {
    busy(connection: C): void
    idle(connection: C): void
    leave(connection: C): void
    enterAnew(connection: C): void
  }
  readonly lingering: Lingering<C>
  readonly unframed: { add(connection: C): void; delete(connection: C): void }
  readonly tcpKeepAlive: { enable(socket: Socket): void; enableIfItLasts(): void }
  /** A connection has come under the policy. */
  readonly admit: (socket: Socket, raw: Socket | undefined) => void
  /** The request that is being answered, if there is one, will never be finished. */
  brokeOff(connection: C): void
  /** A promise was broken. */
  broke(promise: PromiseBreaker): void
  closed(connection: C): void
  /** Its socket is another protocol's. */
  giveBack(connection: C): void
  upgraded(socket: Socket, method: string | undefined, target: string | undefined, protocol: string | undefined): void
}

/** How the application is reached. */
export interface Application {
  readonly server: AttachableServer
  /** What `server.emit` is while nobody has wrapped it. */
  readonly emit: unknown
  readonly events: Telling
  readonly intercept: Intercept | undefined
  /** Whether the application listens for CONNECT. */
  readonly takesTunnels: () => boolean
  /** Hands an event on to whoever would have had it without us. */
  readonly forward: (event: string, args: readonly unknown[]) => boolean
  readonly forwardRequest: (event: RequestEvent, req: IncomingMessage, res: ServerResponse) => boolean
}

/** The server of a connection. */
export interface ConnectionOwner<C extends Lingers<C>> extends PolicyInForce, DrainStanding, OtherConnections<C>, Application {
  readonly counts: RequestCounts
  readonly timers: Timers
  /** It listens on a path: its connections have no addresses. */
  readonly listensOnPath: boolean
}
