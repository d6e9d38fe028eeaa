import type { CloseEvent, Logger } from '../events/types.js'

/** A proxy that `behind` has a preset for. */
export type ProxyName =
  | 'aws-alb'
  | 'aws-elb'
  | 'gcp-lb'
  | 'azure-appgw'
  | 'nginx'
  | 'haproxy'
  | 'envoy'
  | 'traefik'
  | 'caddy'
  | 'cloudfront'
  | 'cloudflare'
  | 'akamai'
  | 'heroku'

/** How HTTP/1.0 clients that ask for `Connection: keep-alive` are treated. */
export type Http10 = 'grant' | 'refuse' | 'ignore'

/** How long idle connections are kept, and what clients are told of that. */
export interface KeepAliveOptions {
  /** Milliseconds promised to the client as `Keep-Alive: timeout=` (whole seconds, rounded down). Default: what the server has, at most 5_000. */
  timeout?: number | undefined
  /** Milliseconds an idle connection is really kept, at least `timeout` + 1_000. Default: just that where `timeout` is given, else what the server has (`keepAliveTimeout` + `keepAliveTimeoutBuffer`, or 1_000 where Node has none); `behind` raises it. */
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

/** The bounds of the output-first close: how long, and how much, is read after the FIN of the server. Whichever is reached first ends the connection. */
export interface LingerOptions {
  /** Milliseconds of silence after which a connection whose output is shut is let go; not while its peer still takes what is on its way to it. Default 2_000. */
  quiet?: number | undefined
  /** Milliseconds after which it is let go even while the peer still sends; not while that still takes what is on its way to it, at 240 bytes/s or more. Default 30_000. */
  total?: number | undefined
  /** Bytes read and discarded at most. Default 64 MiB. */
  bytes?: number | undefined
  /** Connections that may linger at once; over it the oldest goes. Default 1_000. */
  connections?: number | undefined
}

/** The bounds of a graceful shutdown. */
export interface DrainOptions {
  /** Milliseconds spent in `leaving` before the listener closes. Default 0; the adapters make it 5_000 where a readiness route is set. */
  delay?: number | undefined
  /** Milliseconds the whole drain may take, the delay included. Default 20_000. */
  deadline?: number | undefined
  /**
   * How long an idle connection may hold the drain: `'promise'` (default) until its promise plus a second is over; one that is held for longer
   * (`keepAlive.hold`), until no request has come on any for a second, and at most as long as a promise made when the listener closes. Or milliseconds; 0: closed at once.
   */
  idle?: 'promise' | number | undefined
  /** Milliseconds a connection that never sent a byte may hold the drain. Default 5_000. */
  silent?: number | undefined
  /**
   * Milliseconds for which a connection of another protocol (WebSocket, CONNECT) may hold the drain, from when the listener closes; then its output is ended: what was written
   * is sent, a WebSocket gets a close frame with the code 1001 where it stands between two frames, then FIN; `linger.quiet` later it is let go. Default: the deadline, at which
   * such connections are cut. Applications that have a handle to them close them on `connections.signal`; this is for those that nobody has a handle to (proxied ones).
   */
  upgraded?: number | undefined
  /**
   * Bytes per second below which a peer that takes its response or sends its body, over 5 s, no longer holds the drain: it is cut, visibly. One that has taken something of
   * its responses may be quiet for up to 22 s: a program that reads 64 KiB at once, at 4 kB/s, is. A slow handler is none of its business. Default 240; `false`: off.
   */
  minRate?: number | false | undefined
}

/** How many connections there may be, and how slow their clients. */
export interface LimitsOptions {
  /**
   * Connections open at once, in all. A TLS handshake that is under way counts, and may take 10 s; where it is such handshakes that hold the places, one
   * more is closed at once, whatever `refuse` says. One that lingers counts no more; `linger.connections` bounds those. `false` (default): no limit.
   */
  connections?: number | false | undefined
  /** Connections, and TLS handshakes under way, open at once from one client: an IPv4 address, or an IPv6 network of 64 bits; behind a proxy that is the proxy's. `false` (default): no limit. */
  perClient?: number | false | undefined
  /**
   * Idle connections kept. Over it the longest idle one goes, past its promise if there is one; else the oldest promise is broken,
   * and counted (`promisesBroken.limit`). `false` (default): no limit.
   */
  idle?: number | false | undefined
  /**
   * Bytes per second below which a peer that takes its response or sends its body, over 5 s, is cut, visibly, at any time, as `drain.minRate` does it in a drain: one that has
   * taken something may be quiet for up to 22 s. A slow handler is none of its business; an upload that pauses for 5 s is. `false` (default): off.
   */
  minRate?: number | false | undefined
  /**
   * Milliseconds in which a client that has something of its response to take takes not a byte; then it is cut, visibly, at any time. On Linux it is what the client's
   * kernel has acknowledged that counts; elsewhere what our own has taken, with the time that this may last a slow reader. A slow handler is none of its
   * business. Default 60_000; `false`: off. For HTTP/2 it is the default of `http2.stalled`.
   */
  stalled?: number | false | undefined
  /**
   * What a connection over a limit gets: `'answer'` (default): 503, `Retry-After`, `Connection: close` to its request, output first, without
   * a handler; or `'drop'`: closed at once, before a TLS handshake.
   */
  refuse?: 'answer' | 'drop' | undefined
}

/** Socket options of every connection. */
export interface TcpOptions {
  /** TCP_NODELAY: small writes are sent at once (Nagle's algorithm off). Default true. */
  noDelay?: boolean | undefined
  /** Milliseconds of idleness before the first TCP keep-alive probe, which finds peers that vanished without a FIN; `false`: none. Default 60_000. An object says more. */
  keepAlive?: number | false | ProbeOptions | undefined
}

/** TCP keep-alive probes. A peer that answers none is given up after `idle` + `interval` × `count`. */
export interface ProbeOptions {
  /** Milliseconds of idleness before the first probe, at least 1_000; `false`: none. Default 60_000. */
  idle?: number | false | undefined
  /** Milliseconds between two probes, at least 1_000, in whole seconds. Default: Node's (1 s) or the system's. Where Node cannot set it (before 24.22 and 26.4) it does nothing, and warns once. */
  interval?: number | undefined
  /** Probes without an answer after which the peer is given up, at least 1. Default: Node's (10) or the system's. Like `interval` it does nothing on older Nodes. */
  count?: number | undefined
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
  /**
   * Milliseconds a response, or a file, may wait for its client to open the window, or to read; what the client takes meanwhile counts from 240 bytes per second on. Then:
   * ENHANCE_YOUR_CALM. Default: `limits.stalled`, which is 60_000; `false`: no limit.
   */
  stalled?: number | false | undefined
}

/** Options of {@link attach}. Durations are milliseconds, 0 means at once; limits are a number or `false`, never 0. */
export interface Options {
  /** `false`: close after every response. */
  keepAlive?: KeepAliveOptions | false | undefined
  /** Milliseconds a client that has sent FIN may still wait for its answer; anew while it takes something of it. Default 5_000. 0: Node's own behaviour (no answer). A handler hears of the FIN at once by {@link clientGone}. */
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
  /** pino-shaped, or `console`. Default: none for information; warnings go through `process.emitWarning`. Anything without `info` and `warn`: `HALFCLOSE_OPTION_TYPE`. */
  logger?: Logger | undefined
  /**
   * A line for every connection that ends: `10.2.0.7:51544 http/1.1 tls1.3 127.4s 38req 14kB/402kB idle first=server cI-k`; docs/connection-log.md says what it tells.
   * `true`: as information to `logger`, with the whole event as its object; where there is no logger, to standard output. Or a function that is given both.
   * Default false. Anything else: `HALFCLOSE_OPTION_TYPE`. Nothing is noted of a connection unless this, metrics or a listener want it.
   */
  connectionLog?: ConnectionLog | undefined
}

/** See {@link Options.connectionLog}. */
export type ConnectionLog = boolean | ((line: string, event: CloseEvent) => void)

/** The options after parsing: every field present, frozen. */
export interface Policy {
  /** See {@link KeepAliveOptions}; `false`: every response closes. */
  readonly keepAlive: false | KeepAlivePolicy
  /** Milliseconds, 0 as in Node: see {@link Options.halfClosed}. */
  readonly halfClosed: number
  /** `quiet` and `total` in milliseconds: see {@link LingerOptions}. */
  readonly linger: Readonly<Required<{ quiet: number; total: number; bytes: number; connections: number }>>
  /** See {@link DrainOptions}. */
  readonly drain: DrainPolicy
  /** `stalled` in milliseconds, `minRate` in bytes per second; `false`: no limit. See {@link LimitsOptions}. */
  readonly limits: Readonly<{
    connections: number | false
    perClient: number | false
    idle: number | false
    minRate: number | false
    stalled: number | false
    refuse: 'answer' | 'drop'
  }>
  /** `keepAlive`: milliseconds before the first probe; `keepAliveInterval`, `keepAliveCount` where they were given. See {@link TcpOptions}. */
  readonly tcp: Readonly<{
    noDelay: boolean
    keepAlive: number | false
    keepAliveInterval?: number | undefined
    keepAliveCount?: number | undefined
  }>
  /** See {@link Http2Options}. */
  readonly http2: Http2Policy
}

/** {@link Http2Options} after parsing. */
export interface Http2Policy {
  /** Milliseconds a session without a stream is kept. */
  readonly hold: number
  /** Streams open at once; `false`: no limit. */
  readonly streams: number | false
  /** Streams a client may reset unanswered; `false`: no limit. */
  readonly resets: number | false
  /** PING and SETTINGS frames in 10 s; `false`: no limit. */
  readonly control: number | false
  /** Milliseconds a response may wait for its client; `false`: no limit. */
  readonly stalled: number | false
}

/** {@link KeepAliveOptions} after parsing. */
export interface KeepAlivePolicy {
  /** Milliseconds that are promised. */
  readonly timeout: number
  /** Milliseconds an idle connection is kept. */
  readonly hold: number
  /** Requests a connection may carry; `false`: no limit. */
  readonly maxRequests: number | false
  /** Milliseconds a connection may live, before the spread of ±10 %; `false`: no limit. */
  readonly maxAge: number | false
  /** What HTTP/1.0 clients get that ask for keep-alive. */
  readonly http10: Http10
  /** The free parameters as they are sent, e.g. `pod=a1`; empty where there are none. */
  readonly parameters: string
}

/** {@link DrainOptions} after parsing. */
export interface DrainPolicy {
  /** Milliseconds in `leaving`. */
  readonly delay: number
  /** Milliseconds in all, the delay included. */
  readonly deadline: number
  /** `'promise'`, or the milliseconds that an idle connection may hold the drain. */
  readonly idle: 'promise' | number
  /** Milliseconds a connection that never sent a byte may hold it. */
  readonly silent: number
  /** Milliseconds a connection of another protocol may hold it. */
  readonly upgraded: number
  /** Bytes per second below which a peer no longer holds it; `false`: off. */
  readonly minRate: number | false
}
