// Every default of an option: what holds where the application leaves it out. Durations are in milliseconds. An option that is not here is off by default,
// or follows from another option or from the server's own settings: the file of its section says how.

/** The promise, where the server has no setting either; Node's own default. */
export const KEEP_ALIVE_TIMEOUT = 5_000
/** The hold, where the server's setting means "for ever" (0): longer than that of the load balancers in front of it. */
export const KEEP_ALIVE_HOLD = 72_000
export const KEEP_ALIVE_HTTP10 = 'grant'
export const HALF_CLOSED = 5_000
export const LINGER_QUIET = 2_000
export const LINGER_TOTAL = 30_000
export const LINGER_BYTES = 64 * 1024 * 1024
export const LINGER_CONNECTIONS = 1_000
export const DRAIN_DELAY = 0
/** `drain.delay` where there is a readiness route: a load balancer that asks every second or two sees that the server is not ready. */
export const DRAIN_DELAY_WITH_READINESS = 5_000
export const DRAIN_DEADLINE = 20_000
export const DRAIN_IDLE = 'promise'
export const DRAIN_SILENT = 5_000
export const DRAIN_MIN_RATE = 240
export const LIMITS_STALLED = 60_000
export const LIMITS_REFUSE = 'answer'
export const TCP_NO_DELAY = true
export const TCP_KEEP_ALIVE = 60_000
export const HTTP2_STREAMS = 128
export const HTTP2_RESETS = 500
export const HTTP2_CONTROL = 1_000
/** The time that `readiness.check` may take. */
export const READINESS_TIMEOUT = 1_000
