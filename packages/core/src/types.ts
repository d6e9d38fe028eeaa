import type { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import type { ProxyName } from './presets.js'

export type { ProxyName }

/** What {@link attach} takes: a server made by `node:http`, `node:https` or `node:http2`. */
export type AttachableServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer

/** The part of a pino-shaped logger that is used. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** How HTTP/1.0 clients that ask for `Connection: keep-alive` are treated. */
export type Http10 = 'grant' | 'refuse' | 'ignore'

export interface KeepAliveOptions {
  /** Milliseconds promised to the client as `Keep-Alive: timeout=` (whole seconds, rounded down). Default: what the server has, at most 5_000. */
  timeout?: number | undefined
  /** Milliseconds an idle connection is really kept, at least `timeout` + 1_000. Default: just that where `timeout` is given, else what the server has; `behind` raises it. */
  hold?: number | undefined
  /** Requests a connection may carry, counted down in `Keep-Alive: max=`; `false`: no limit. Default: `server.maxRequestsPerSocket` where that is set, else `false`. */
  maxRequests?: number | false | undefined
  /** Milliseconds a connection may live, spread by ±10 %; then the next response is its last. `false` (default): no limit. Never cuts an exchange. */
  maxAge?: number | false | undefined
  /** HTTP/1.0 keep-alive: `'grant'` it (default), `'refuse'` it, or `'ignore'` every Connection field of HTTP/1.0 (behind old proxies, RFC 9112 §9.3). */
  http10?: Http10 | undefined
  /** Free Keep-Alive parameters, e.g. `{ pod: 'a1' }`. Names are tokens; values are tokens or are sent as quoted strings. */
  parameters?: Readonly<Record<string, string | number>> | undefined
}

export interface LingerOptions {
  /** Milliseconds of silence after which a connection whose output is shut is let go. Default 2_000. */
  quiet?: number | undefined
  /** Milliseconds after which it is let go even while the peer still sends. Default 30_000. */
  total?: number | undefined
  /** Bytes read and discarded at most. Default 64 MiB. */
  bytes?: number | undefined
  /** Connections that may linger at once; over it the oldest goes. Default 1_000. */
  connections?: number | undefined
}

export interface DrainOptions {
  /** Milliseconds spent in `leaving` before the listener closes. Default 0; the adapters make it 5_000 where a readiness route is set. */
  delay?: number | undefined
  /** Milliseconds the whole drain may take, the delay included. Default 20_000. */
  deadline?: number | undefined
  /** How long an idle connection may hold the drain: `'promise'` (default) until its promise plus a second is over, or milliseconds; 0: closed at once. */
  idle?: 'promise' | number | undefined
  /** Milliseconds a connection that never sent a byte may hold the drain. Default 5_000. */
  silent?: number | undefined
  /**
   * Bytes per second, over 5 s, below which a peer that takes its response or sends its body no longer holds the drain: it is cut,
   * visibly. A slow handler is none of its business. Default 240; `false`: off.
   */
  minRate?: number | false | undefined
}

export interface LimitsOptions {
  /** Connections open at once, in all. `false` (default): no limit. */
  connections?: number | false | undefined
  /** Connections open at once from one remote address; behind a proxy that is the proxy's. `false` (default): no limit. */
  perClient?: number | false | undefined
  /**
   * Idle connections kept. Over it the longest idle one goes, past its promise if there is one; else the oldest promise is broken,
   * and counted (`promisesBroken.limit`). `false` (default): no limit.
   */
  idle?: number | false | undefined
  /**
   * Bytes per second, over 5 s, below which a peer that takes its response or sends its body is cut, visibly, at any time; in a drain
   * `drain.minRate` does that. A slow handler is none of its business; an upload that pauses for 5 s is. `false` (default): off.
   */
  minRate?: number | false | undefined
  /**
   * What the one too many gets: `'answer'` (default): 503, `Retry-After`, `Connection: close` to its request, output first, without
   * a handler; or `'drop'`: closed at once, before a TLS handshake.
   */
  refuse?: 'answer' | 'drop' | undefined
}

export interface TcpOptions {
  /** TCP_NODELAY: small writes are sent at once (Nagle's algorithm off). Default true. */
  noDelay?: boolean | undefined
  /** Milliseconds of idleness before the first TCP keep-alive probe, which finds peers that vanished without a FIN; `false`: none. Default 60_000. */
  keepAlive?: number | false | undefined
}

/** What is particular to HTTP/2. `keepAlive.maxRequests` and `maxAge` hold for a session too, and end it with a GOAWAY. */
export interface Http2Options {
  /** Milliseconds a session without a stream is kept; then it gets a GOAWAY. Default: `keepAlive.hold` where that, or `timeout`, is given, else at least 72_000; with `keepAlive: false` 0: a session ends with its last stream. */
  hold?: number | undefined
  /** Streams open at once, where the server's own `settings` have no `maxConcurrentStreams`. Default 128; `false`: no limit. */
  streams?: number | false | undefined
  /** Streams that a client may reset before they are answered; 50 a second are forgiven. Over it: ENHANCE_YOUR_CALM. Default 500; `false`: no limit. */
  resets?: number | false | undefined
  /** PING and SETTINGS frames in 10 s where they are most of what is sent. Over it: ENHANCE_YOUR_CALM. Default 1_000; `false`: no limit. */
  control?: number | false | undefined
  /** Milliseconds a response may wait for its client to open the window, or to read. Then: ENHANCE_YOUR_CALM. Default 60_000; `false`: no limit. */
  stalled?: number | false | undefined
}

/** Options of {@link attach}. Durations are milliseconds, 0 means at once; limits are a number or `false`, never 0. */
export interface Options {
  /** `false`: close after every response. */
  keepAlive?: KeepAliveOptions | false | undefined
  /** Milliseconds a client that has sent FIN may still wait for its answer. Default 5_000. 0: Node's own behaviour (no answer). */
  halfClosed?: number | undefined
  /** The bounds of the output-first close (RFC 9112 §9.6). */
  linger?: LingerOptions | undefined
  /** The bounds of a graceful shutdown. `'fast'`: delay, idle, silent 0, deadline 2_000. */
  drain?: DrainOptions | 'fast' | undefined
  /** How many connections there may be (RFC 9112 §9.4). */
  limits?: LimitsOptions | undefined
  /** Socket options of every connection. */
  tcp?: TcpOptions | undefined
  /** HTTP/2 sessions (RFC 9113). */
  http2?: Http2Options | undefined
  /**
   * The proxy that opens connections to this server, the nearest one where there are several. Raises the default of `keepAlive.hold`
   * above the time for which that proxy keeps an idle connection, so that no request crosses a close on its way; the promise
   * (`keepAlive.timeout`) stays as it is. An explicit `hold` wins. Default: none.
   */
  behind?: ProxyName | undefined
  /** pino-shaped. Default: none for information; warnings go through `process.emitWarning`. */
  logger?: Logger | undefined
}

/** The options after parsing: every field present, frozen. */
export interface Policy {
  readonly keepAlive: false | KeepAlivePolicy
  readonly halfClosed: number
  readonly linger: Readonly<Required<{ quiet: number; total: number; bytes: number; connections: number }>>
  readonly drain: DrainPolicy
  readonly limits: Readonly<{
    connections: number | false
    perClient: number | false
    idle: number | false
    minRate: number | false
    refuse: 'answer' | 'drop'
  }>
  readonly tcp: Readonly<{ noDelay: boolean; keepAlive: number | false }>
  readonly http2: Http2Policy
}

export interface Http2Policy {
  readonly hold: number
  readonly streams: number | false
  readonly resets: number | false
  readonly control: number | false
  readonly stalled: number | false
}

export interface KeepAlivePolicy {
  readonly timeout: number
  readonly hold: number
  readonly maxRequests: number | false
  readonly maxAge: number | false
  readonly http10: Http10
  /** The free parameters as they are sent, e.g. `pod=a1`; empty where there are none. */
  readonly parameters: string
}

export interface DrainPolicy {
  readonly delay: number
  readonly deadline: number
  readonly idle: 'promise' | number
  readonly silent: number
  readonly minRate: number | false
}

/**
 * Server states, never backwards. `serving`; `leaving`: announced, still serving; `draining`: no longer listening, every response
 * says close; `drained`: no connection is left.
 */
export type ServerState = 'serving' | 'leaving' | 'draining' | 'drained'

/**
 * Connection states.
 * - `silent`: accepted, no byte received. Left with the first byte.
 * - `busy`: a request is being received, waits, or is being answered.
 * - `idle`: between two requests.
 * - `closing`: its last response is known; nothing more is handed to the application.
 * - `lingering`: our output is shut; what the peer still sends is read and discarded.
 * - `upgraded`: handed over to another protocol.
 */
export type ConnectionState = 'silent' | 'busy' | 'idle' | 'closing' | 'lingering' | 'upgraded'

/**
 * Why a connection ended. The set may grow in minor versions.
 * - `client-close`: the request said `Connection: close`, or the client closed an idle connection.
 * - `idle`: kept idle for `keepAlive.hold`. `max-requests`, `max-age`: that limit. `http10`: HTTP/1.0 without keep-alive.
 * - `no-keep-alive`: `keepAlive: false`.
 * - `draining`: the server is shutting down. `deadline`: cut at the drain's deadline.
 * - `handler`: the application said `Connection: close`, or destroyed the socket.
 * - `unframed`: the response's end shows only by closing. `content-length`: a body shorter or longer than its Content-Length.
 * - `error`: the request was malformed or did not arrive in time. `timeout`: `server.setTimeout` expired.
 * - `flood`: an HTTP/2 client reset too many streams, or sent too many control frames (ENHANCE_YOUR_CALM).
 * - `stalled`: the peer took or sent less than `drain.minRate` in a drain, or than `limits.minRate` at any time, or waited
 *   longer than `http2.stalled` to open a window.
 * - `half-closed`: the client sent FIN and its answer did not come within `halfClosed`. `peer`: the client reset the connection.
 * - `upgraded`: it ended as another protocol. `limit`: a bound of the output-first close or of the server.
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

/** Why promises were broken: a close before the advertised timeout had run out that the client did not ask for. */
export type PromiseBreaker = 'deadline' | 'drain-idle' | 'close-idle' | 'close-all' | 'limit'

export interface Stats {
  /** Open connections by state. */
  readonly open: Readonly<Record<ConnectionState, number>>
  /** `refused`: over a limit; they are among the opened, unless they were dropped. */
  readonly connections: { readonly opened: number; readonly closed: number; readonly refused: number }
  /**
   * `received`: handed to the application. `finished`: answered whole. `cut`: broken off by the application, a timeout or a deadline.
   * `aborted`: the client went away, or its body was malformed. `dropped`: arrived behind a close, never run.
   */
  readonly requests: {
    readonly received: number
    readonly finished: number
    readonly cut: number
    readonly aborted: number
    readonly dropped: number
  }
  /** Requests per closed connection that carried any, on average; 0 before the first one closed. */
  readonly reuse: number
  readonly closes: Readonly<Partial<Record<CloseReason, number>>>
  /** Whose FIN or reset came first. TIME_WAIT stays on that side. */
  readonly closedFirst: { readonly server: number; readonly peer: number }
  readonly promisesBroken: Readonly<Partial<Record<PromiseBreaker, number>>>
}

export interface HeldBy {
  readonly remote: string
  readonly state: ConnectionState
  readonly method: string | undefined
  /** Without the query. */
  readonly path: string | undefined
  /** Milliseconds since the request arrived, or since the connection was last used. */
  readonly ms: number
}

/** What a drain did. */
export interface Report {
  /** No request was cut. */
  readonly clean: boolean
  readonly reason: string
  /** Milliseconds in all. */
  readonly ms: number
  readonly phases: { readonly leaving: number; readonly draining: number }
  /** `finished`: in flight when the drain began. `rescued`: arrived after it began, answered. `cut`: broken off. */
  readonly requests: { readonly finished: number; readonly rescued: number; readonly cut: number }
  readonly connections: { readonly closed: number; readonly byReason: Readonly<Partial<Record<CloseReason, number>>> }
  readonly promisesBroken: Readonly<Partial<Record<PromiseBreaker, number>>>
  /** What was still open at the deadline, at most 20. */
  readonly heldBy: readonly HeldBy[]
  readonly heldByMore: number
}

export interface StateEvent {
  readonly state: ServerState
  readonly previous: ServerState
  readonly reason: string
}

export interface CloseEvent {
  readonly reason: CloseReason
  /** Whose FIN or reset came first. */
  readonly first: 'server' | 'peer'
  readonly remote: string
  readonly requests: number
  /** Milliseconds the connection lived. */
  readonly ms: number
}

export interface WarningEvent {
  /** Stable, e.g. `HALFCLOSE_CONTENT_LENGTH`. */
  readonly code: string
  readonly message: string
}

export interface ConnectionsEvents {
  state: [StateEvent]
  close: [CloseEvent]
  warning: [WarningEvent]
}

export interface DrainRequest {
  /** Why, for the log and the report, e.g. `'SIGTERM'`. Default `'drain'`. */
  reason?: string | undefined
  /** Drain as `drain: 'fast'` would (delay, idle, silent 0, deadline at most 2_000), whatever the policy says. */
  fast?: boolean | undefined
}

/** The handle that {@link attach} returns. */
export interface Connections {
  readonly state: ServerState
  /** For a readiness probe: `state === 'serving'`. */
  readonly ready: boolean
  /** Aborted on entering `draining`, so that event streams and long polls can end themselves. */
  readonly signal: AbortSignal
  /** Milliseconds left until the drain's deadline; `Infinity` while serving. */
  remaining(): number
  readonly policy: Policy
  stats(): Stats
  on<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  once<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  off<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this
  /** Puts another server under the same policy, count and drain. */
  attach(server: AttachableServer): this
  /**
   * Ends every connection: `leaving`, `draining`, `drained`. Idempotent: later callers get the first promise. Settles by
   * deadline + linger.quiet, always, and never rejects. Does not exit the process.
   */
  drain(request?: DrainRequest): Promise<Report>
}
