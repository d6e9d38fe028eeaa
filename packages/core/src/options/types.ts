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

/** How long idle connections are kept, and what clients are told about it. */
export interface KeepAliveOptions {
  /** Milliseconds promised to the client as `Keep-Alive: timeout=` (whole seconds, rounded down). Default: the server's own, at most 5_000 and `hold` - 1_000. */
  timeout?: number | undefined
  /** Milliseconds an idle connection is really kept, at least `timeout` + 1_000. Default: exactly that if `timeout` is given, else the server's own (`keepAliveTimeout` + `keepAliveTimeoutBuffer`, or 1_000 if Node has none); `behind` raises it. */
  hold?: number | undefined
  /** Requests a connection may carry, counted down in `Keep-Alive: max=`; `false`: no limit. Default: `server.maxRequestsPerSocket` if that is set, else `false`. */
  maxRequests?: number | false | undefined
  /** Milliseconds a connection may live, spread by ±10 %; the next response after that is its last. `false` (default): no limit. Never cuts a request. */
  maxAge?: number | false | undefined
  /** HTTP/1.0 keep-alive: `'grant'` it (default), `'refuse'` it, or `'ignore'` every Connection field of HTTP/1.0 (behind old proxies, RFC 9112 §9.3). */
  http10?: Http10 | undefined
  /** Free Keep-Alive parameters, e.g. `{ pod: 'a1' }`. Names are tokens; values are tokens or are sent as quoted strings. */
  parameters?: Readonly<Record<string, string | number>> | undefined
}

/** The bounds of the output-first close: how long, and how much, the server reads after its FIN. The first bound that is reached ends the connection. */
export interface LingerOptions {
  /** Milliseconds of silence after which a connection whose output has ended is closed (an idle one after 1_000 at most); not while the client still takes output. Default 2_000. */
  quiet?: number | undefined
  /** Milliseconds after which it is closed even while the client still sends; not while the client takes output, at 240 bytes/s or more. Default 30_000. */
  total?: number | undefined
  /** Bytes read and discarded at most. Default 64 MiB. */
  bytes?: number | undefined
  /** Connections that may linger at once; above that the oldest is closed. Default 1_000. */
  connections?: number | undefined
}

/** The bounds of a graceful shutdown. */
export interface DrainOptions {
  /** Milliseconds spent in `leaving` before the listener closes. Default 0; 5_000 in the adapters with a readiness route. */
  delay?: number | undefined
  /** Milliseconds the whole drain may take, the delay included. Default 20_000. */
  deadline?: number | undefined
  /**
   * How long an idle connection may hold the drain: `'promise'` (default) until its promise plus a second is over; one with a longer `keepAlive.hold`, until no connection
   * has had a request for a second, at most as long as a promise made when the listener closes. Or milliseconds; 0: closed at once, over TLS a quarter of a second after its last answer.
   */
  idle?: 'promise' | number | undefined
  /** Milliseconds a connection that never sent a byte may hold the drain. Default 5_000. */
  silent?: number | undefined
  /**
   * Milliseconds for which a connection of another protocol (WebSocket, CONNECT) may hold the drain, from when the listener closes. Then the server ends its output: what
   * was written is sent, a WebSocket gets a close frame with the code 1001 if it stands between two frames, then FIN; `linger.quiet` later it is closed. Default: the
   * deadline, at which such connections are cut. An application closes its own ones on `connections.signal`; this is for those to which it has no handle (proxied ones).
   */
  upgraded?: number | undefined
  /**
   * Bytes per second, over 5 s. A client that takes its response or sends its body more slowly no longer holds the drain: it is cut, visibly. One that has taken something
   * may pause for up to 22 s, as a program does that reads 64 KiB at once, at 4 kB/s. A slow handler does not count. Default 240; `false`: off.
   */
  minRate?: number | false | undefined
}

/** How many connections may be open, and how slow clients may be. */
export interface LimitsOptions {
  /**
   * Connections open at once. A TLS handshake under way counts, and may take 10 s; if handshakes hold all places, a further one is closed at once, whatever `refuse` says.
   * A lingering connection does not count; `linger.connections` bounds those. `false` (default): no limit.
   */
  connections?: number | false | undefined
  /** Connections and TLS handshakes open at once from one client: an IPv4 address, or an IPv6 network of 64 bits; behind a proxy, the proxy's. `false` (default): no limit. */
  perClient?: number | false | undefined
  /**
   * Idle connections kept. Above that the longest idle one is closed. If its promise is not over, it is broken, and counted (`promisesBroken.limit`).
   * `false` (default): no limit.
   */
  idle?: number | false | undefined
  /**
   * Bytes per second, over 5 s. A client that takes its response or sends its body more slowly is cut, visibly, at any time, as by `drain.minRate` in a drain: one that has
   * taken something may pause for up to 22 s. A slow handler does not count; an upload that pauses for 5 s does. `false` (default): off.
   */
  minRate?: number | false | undefined
  /**
   * Milliseconds for which a client may take no byte of the response that waits for it; then it is cut, visibly, at any time. On Linux the bytes count that the client's
   * kernel has acknowledged; elsewhere those that our own has taken, plus the time that they last a slow reader. A slow handler does not count. Default 60_000; `false`:
   * off. For HTTP/2 it is the default of `http2.stalled`.
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
  /** Milliseconds of idleness before the first TCP keep-alive probe, which finds clients that vanished without a FIN; `false`: none. Default 60_000. Or an object. */
  keepAlive?: number | false | ProbeOptions | undefined
}

/** TCP keep-alive probes. A client that answers none is given up after `idle` + `interval` × `count`. */
export interface ProbeOptions {
  /** Milliseconds of idleness before the first probe, at least 1_000; `false`: none. Default 60_000. */
  idle?: number | false | undefined
  /** Milliseconds between two probes, at least 1_000, in whole seconds. Default: Node's, 1_000. If Node cannot set it (before 24.21 and 26.4) it does nothing, and warns once. */
  interval?: number | undefined
  /** Probes without an answer after which the client is given up, at least 1. Default: Node's, 10. Like `interval` it does nothing on older Nodes. */
  count?: number | undefined
}

/** For HTTP/2 alone. `keepAlive.maxRequests` and `maxAge` hold for a session too, and end it with a GOAWAY. */
export interface Http2Options {
  /** Milliseconds a session without a stream is kept; then it gets a GOAWAY. Default: `keepAlive.hold` if that or `timeout` is given, else at least 72_000; with `keepAlive: false` 0: a session ends with its last stream. */
  hold?: number | undefined
  /** Streams open at once, if the server's own `settings` have no `maxConcurrentStreams`. Default 128; `false`: no limit. */
  streams?: number | false | undefined
  /** Streams that a client may reset before they are answered; 50 a second are forgiven. Above that: ENHANCE_YOUR_CALM. Default 500; `false`: no limit. */
  resets?: number | false | undefined
  /** PING and SETTINGS frames in 10 s, if they are most of the input. Above that: ENHANCE_YOUR_CALM. Default 1_000; `false`: no limit. */
  control?: number | false | undefined
  /**
   * Milliseconds a response, or a file, may wait for its client to open the window, or to read; less than 240 bytes per second count as nothing. Then: ENHANCE_YOUR_CALM.
   * Default: `limits.stalled`, which is 60_000; `false`: no limit.
   */
  stalled?: number | false | undefined
}

/** Options of {@link attach}. Durations are milliseconds, 0 means no wait; what may be `false` is never 0. */
export interface Options {
  /** `false`: close after every response. */
  keepAlive?: KeepAliveOptions | false | undefined
  /** Milliseconds a client that has sent FIN may still wait for its answer; anew whenever it takes some of it. Default 5_000. 0: Node's own behaviour (no answer). {@link clientGone} tells a handler of the FIN at once. */
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
   * The proxy that opens connections to this server; of several, the nearest. It raises the default of `keepAlive.hold` above the time for which the proxy keeps an idle
   * connection, so that no request crosses a close on its way; the promise (`keepAlive.timeout`) stays as it is. An explicit `hold` wins. Default: none.
   */
  behind?: ProxyName | undefined
  /** pino-shaped, or `console`. Default: no information; warnings go to `process.emitWarning`. Without `info` and `warn`: `HALFCLOSE_OPTION_TYPE`. */
  logger?: Logger | undefined
  /**
   * A line for every connection that ends: `10.2.0.7:51544 http/1.1 tls1.3 127.4s 38req 14kB/402kB idle first=server cI-k`; see docs/connection-log.md. `true`: to
   * `logger`, with the whole event as its object; without a logger, to standard output. Or a function that gets both. Default false. Anything else:
   * `HALFCLOSE_OPTION_TYPE`. Nothing is recorded of a connection unless this, metrics or a listener wants it.
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
  /** `keepAlive`: milliseconds before the first probe; `keepAliveInterval`, `keepAliveCount` if they were given. See {@link TcpOptions}. */
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
  /** The free parameters as they are sent, e.g. `pod=a1`; empty if there are none. */
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
  /** Bytes per second below which a client no longer holds it; `false`: off. */
  readonly minRate: number | false
}
