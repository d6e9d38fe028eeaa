import type { WarningCode } from '../errors/codes.js'

/**
 * Server states, never backwards. `serving`; `leaving`: announced, still serving; `draining`: no longer listening, every response says close; `drained`: no
 * connection is left.
 */
export type ServerState = 'serving' | 'leaving' | 'draining' | 'drained'

/**
 * Connection states.
 * - `silent`: accepted, no byte received. Left with the first byte.
 * - `busy`: a request is being received, waits, or is being answered.
 * - `idle`: between two requests.
 * - `closing`: its last response is known; the application gets no further request.
 * - `lingering`: the server has ended its output; it reads and discards what the client still sends.
 * - `upgraded`: handed over to another protocol.
 */
export type ConnectionState = 'silent' | 'busy' | 'idle' | 'closing' | 'lingering' | 'upgraded'

/**
 * Why a connection ended. The set may grow in minor versions.
 * - `client-close`: the request said `Connection: close`, or its framing allows no further request; or the client sent FIN, without a request or behind its last one.
 * - `idle`: kept idle for `keepAlive.hold`. `max-requests`, `max-age`: that limit. `http10`: HTTP/1.0 without keep-alive.
 * - `no-keep-alive`: `keepAlive: false`.
 * - `draining`: the server is shutting down. `deadline`: cut at the drain's deadline.
 * - `handler`: the application said `Connection: close`, or destroyed the socket.
 * - `unframed`: the response's end shows only by closing. `content-length`: a body shorter or longer than its Content-Length.
 * - `error`: the request was malformed or did not arrive in time. `timeout`: `server.setTimeout` expired.
 * - `flood`: an HTTP/2 client reset too many streams, or sent too many control frames (ENHANCE_YOUR_CALM).
 * - `stalled`: the client took or sent less than `drain.minRate` in a drain, or than `limits.minRate` at any time, or for longer than
 *   `limits.stalled` or `http2.stalled` took nothing that waited for it, or opened no window.
 * - `half-closed`: the client sent FIN and its answer did not come within `halfClosed`. `peer`: the client reset the connection, or it broke (`ETIMEDOUT`).
 * - `pressure`: descriptors ran short, or the application called `connections.relieve()`: it was the longest idle.
 * - `upgraded`: it ended as another protocol. Of HTTP/1 only: an HTTP/2 session ends for a reason of its own, whatever its streams carried. `limit`: a bound of the output-first close or of the server.
 */
export type CloseReason =
  | 'client-close'
  | 'idle'
  | 'max-requests'
  | 'max-age'
  | 'http10'
  | 'no-keep-alive'
  | 'draining'
  | 'deadline'
  | 'handler'
  | 'unframed'
  | 'content-length'
  | 'error'
  | 'timeout'
  | 'half-closed'
  | 'stalled'
  | 'flood'
  | 'peer'
  | 'upgraded'
  | 'limit'
  | 'pressure'

/**
 * Why promises were broken: a close before the advertised timeout had run out that the client did not ask for.
 * - `deadline`: at the drain's deadline. `drain-idle`: `drain.idle` is shorter than the promise, or the client has stopped amid a body that was answered before it had come.
 * - `close-idle`, `close-all`: the application called `server.closeIdleConnections()`, `server.closeAllConnections()`. `destroy`: it destroyed the socket.
 * - `limit`: a bound on connections, or of the output-first close. `pressure`: descriptors ran short, or the application called `connections.relieve()`.
 */
export type PromiseBreaker = 'deadline' | 'drain-idle' | 'close-idle' | 'close-all' | 'destroy' | 'limit' | 'pressure'

/** Why connections are refused: `limits.connections`, `limits.perClient`, or the process is short of descriptors. */
export type RefusingLimit = 'connections' | 'perClient' | 'descriptors'

/** Of `connections.stats()`. */
export interface Stats {
  /** Open connections by state. */
  readonly open: Readonly<Record<ConnectionState, number>>
  /** `refused`: over a limit; they count as opened, too, unless they were dropped. */
  readonly connections: { readonly opened: number; readonly closed: number; readonly refused: number }
  /**
   * `received`: handed to the application. `finished`: answered whole. `cut`: broken off by the application, a timeout or a deadline. `aborted`: the client went
   * away, or its body was malformed. `dropped`: never run: it arrived behind a close, or is a refused upgrade or CONNECT.
   */
  readonly requests: {
    readonly received: number
    readonly finished: number
    readonly cut: number
    readonly aborted: number
    readonly dropped: number
  }
  /** Open connections that the policy cannot see: HTTP/2 sessions from before `attach()`, and streams other than sockets that were handed to a server. */
  readonly unseen?: number | undefined
  /** Requests per closed connection that carried any, on average; 0 before the first one closed. */
  readonly reuse: number
  /** Connections that have ended, by reason. */
  readonly closes: Readonly<Partial<Record<CloseReason, number>>>
  /** Which side sent FIN or reset first. TIME_WAIT stays on that side. */
  readonly closedFirst: { readonly server: number; readonly peer: number }
  /** Closes before the promised time was over that the client did not ask for, by cause; empty if there was none. */
  readonly promisesBroken: Readonly<Partial<Record<PromiseBreaker, number>>>
  /** Of `connections.refused`, by the limit that they were over. */
  readonly refused?: Readonly<Record<RefusingLimit, number>> | undefined
  /** Requests in drains, those under way included: see {@link Report.requests}. */
  readonly drain?: Report['requests'] | undefined
}

/** A request, or a connection without one, that was still open at a drain's deadline. */
export interface HeldBy {
  /** The client's address and port; `'a unix domain socket'`; or `'unknown'` if the socket was closed before it was asked. */
  readonly remote: string
  /** What the connection was doing. */
  readonly state: ConnectionState
  /** Of the request; `undefined` where there was none. */
  readonly method: string | undefined
  /** Without the query. */
  readonly path: string | undefined
  /** Milliseconds since the request arrived (to a tenth of a second), or since the connection was last used. */
  readonly ms: number
  /** What it waited for: see {@link OpenConnection.waitsFor}. */
  readonly waitsFor?: string | undefined
}

/** Of `connections.list()`: an open connection, or an HTTP/2 session. */
export interface OpenConnection {
  /** Stays with the connection; no other of this handle has it. Numbered as they are first listed. */
  readonly id: number
  /** The client's address and port; `'a unix domain socket'`; or `'unknown'` if the socket was closed before it was asked. */
  readonly remote: string
  /** Its protocol: HTTP/1.1 (or 1.0, or what it was upgraded to), or HTTP/2. */
  readonly protocol: '1.1' | '2'
  /** Its state. */
  readonly state: ConnectionState
  /** Of the request that is being answered, or was handed over to another protocol; over HTTP/2 of the oldest. `undefined`: there is none. */
  readonly method: string | undefined
  /** Of the same request, without the query, which may hold secrets. */
  readonly path: string | undefined
  /** Milliseconds since that request arrived (to a tenth of a second), or since the connection was last used. */
  readonly ms: number
  /** Milliseconds since the connection was opened. */
  readonly age: number
  /** Requests so far, the present one included. */
  readonly requests: number
  /** Requests that are being answered now: over HTTP/2 there may be many. Those of other protocols do not count. */
  readonly inFlight: number
  /** Milliseconds of its promise that are left; 0: it has none. */
  readonly promiseLeft: number
  /**
   * What it waits for, in words; they may change. E.g. `'the handler'`, `'the client does not read: 212 kB unsent'`, `'the client does not send its body'`,
   * `'websocket'`, `'held for the proxy, 0.4 s since the last request'`. That a client does not read or send shows between two looks; the first one asks the kernel
   * (Linux).
   */
  readonly waitsFor: string
}

/** What a drain did. */
export interface Report {
  /** No request was cut: the kernel has the answer to each accepted request, or its client left or was told close before. */
  readonly clean: boolean
  /** Why it began: what `drain()` was told, e.g. `'SIGTERM'`; `'server.close'` where the server was closed. */
  readonly reason: string
  /** Milliseconds in all. */
  readonly ms: number
  /** Milliseconds in each state. These and `ms` are rounded one by one. */
  readonly phases: { readonly leaving: number; readonly draining: number }
  /**
   * `finished`: in flight when the drain began. `rescued`: arrived after it began, answered. `cut`: broken off since it began, or just before, in the same tick;
   * what was cut earlier is in {@link Stats} alone. A request that waited behind a cut one is cut, too; in {@link Stats} it is `dropped`. A request is not cut if
   * the kernel has its whole answer, even if its body is unfinished.
   */
  readonly requests: { readonly finished: number; readonly rescued: number; readonly cut: number }
  /** Connections that ended in the drain, and why; HTTP/2 sessions included. */
  readonly connections: { readonly closed: number; readonly byReason: Readonly<Partial<Record<CloseReason, number>>> }
  /** The promises that this drain broke, by cause; empty where it broke none. */
  readonly promisesBroken: Readonly<Partial<Record<PromiseBreaker, number>>>
  /** What was still open at the deadline, at most 20. */
  readonly heldBy: readonly HeldBy[]
  /** How many more than `heldBy` were open at the deadline. */
  readonly heldByMore: number
  /**
   * Connections that the policy cannot see and that were still open when all others had ended: HTTP/2 sessions from before `attach()`, and streams other than
   * sockets that were handed to the server. The drain waits for them until the deadline, as a bare server does; their requests that are cut then (HTTP/2: the
   * session) are in `requests.cut`.
   */
  readonly unseen?: number | undefined
  /**
   * TLS handshakes that it gave up, since they were not finished within `drain.silent`, or at the deadline. Nothing of HTTP had been said on them: they are no
   * connections, and make no report unclean.
   */
  readonly handshakes?: number | undefined
}

/** The handle has entered a state; `reason`: that of the drain, or `'listen'` for a new life. */
export interface StateEvent {
  /** The state it is in now. */
  readonly state: ServerState
  /** The state it was in before. */
  readonly previous: ServerState
  /** Why: `'SIGTERM'`, `'server.close'`, `'listen'`, or what `drain()` was told. */
  readonly reason: string
}

/** A connection, or an HTTP/2 session, has ended. */
export interface CloseEvent {
  /** Why it ended. */
  readonly reason: CloseReason
  /** Which side sent FIN or reset first. */
  readonly first: 'server' | 'peer'
  /** The client's address and port; `'a unix domain socket'`; or `'unknown'` if the socket was closed before it was asked. */
  readonly remote: string
  /** How many requests it carried. */
  readonly requests: number
  /** Milliseconds the connection lived. */
  readonly ms: number
  /**
   * The state in which its end began: `idle`: closed between two requests; `closing`: its last response was written; `busy`: a request was not that far.
   * `lingering`: the server had ended its output, and the client did not end its side within the bounds of `linger`, or reset it.
   */
  readonly state: ConnectionState
  /** Whether a request was under way: it was arriving or being answered, and was not answered whole. A head that is late or malformed is no request yet. */
  readonly inFlight: boolean
  /** How far that request was; `undefined`: there was none. Of several (HTTP/2) the one that was furthest. */
  readonly request: RequestStage | undefined
  /** `'1.1'` also for HTTP/1.0. */
  readonly protocol: '1.1' | '2'
  /** The TLS version, e.g. `'1.3'`; `false`: none. */
  readonly tls: string | false
  /** Bytes of the TCP connection, those of TLS included; `written`: those that the kernel took. */
  readonly bytes: { readonly read: number; readonly written: number }
  /** It ended by a reset: the client's, or one that the server was told to send. A reset that the kernel sends for unread bytes shows to the client alone. */
  readonly reset: boolean
  /**
   * What became of the promise of an idle connection. `broken`: the server ended it before the advertised time was over; also if the application destroyed the
   * socket. `none`: it was not idle, or nothing was promised (HTTP/2, `keepAlive: false`).
   */
  readonly promise: 'kept' | 'broken' | 'none'
  /** The code of the error that ended it, e.g. `'HPE_INVALID_METHOD'`, `'ERR_HTTP_REQUEST_TIMEOUT'`, `'ECONNRESET'`; `undefined`: there was none. */
  readonly code: string | undefined
}

/** How far a request has come: `receiving`: not whole yet; `handler`: whole, with no byte of its response; `sending`: its response has begun. */
export type RequestStage = 'receiving' | 'handler' | 'sending'

/**
 * A connection (Upgrade, CONNECT), or a stream of an HTTP/2 session (CONNECT), was handed over to another protocol. There is none for a refused request, nor for
 * what an http2 server's 'unknownProtocol' listener takes.
 */
export interface UpgradeEvent {
  /** The client's address and port; `'a unix domain socket'`; or `'unknown'` if the socket was closed before it was asked. */
  readonly remote: string
  /** Of the request, e.g. `'GET'` or `'CONNECT'`. */
  readonly method: string
  /** The request target without its query; for CONNECT over HTTP/2 without `:path`, the authority. */
  readonly target: string
  /** What the client asked for: the Upgrade field, or HTTP/2's `:protocol` (RFC 8441). */
  readonly protocol: string | undefined
}

/** Something is wrong, or was lost. Emitted each time, even if it is logged once. */
export interface WarningEvent {
  /** Stable, e.g. `HALFCLOSE_CONTENT_LENGTH`; docs/codes.md says when each comes and what to do. */
  readonly code: WarningCode
  /** One sentence or more, for people; its wording may change. */
  readonly message: string
}

/** The events of a handle, with their payloads. */
export interface ConnectionsEvents {
  /** The handle has entered another state. */
  state: [StateEvent]
  /** A connection was handed over to another protocol. */
  upgrade: [UpgradeEvent]
  /** A connection has ended. */
  close: [CloseEvent]
  /** Something is wrong, or was lost. */
  warning: [WarningEvent]
}

/**
 * The part of a pino-shaped logger that is used. Loggers that print their arguments in order (`console`, winston: they have a function `log`, and no `bindings`) get
 * the sentence first, then the object. `info` of a `console` gets the sentence alone.
 */
export interface Logger {
  /** What goes well: a server listens, a drain ends. `fields` may be empty. */
  info(fields: object, message: string): void
  /** What is wrong, or was lost. `fields` has the warning's `code` (docs/codes.md). */
  warn(fields: object, message: string): void
}
