/**
 * Every default of an option: what holds where the application leaves the option out. Durations are in milliseconds. Options that are not here are off by
 * default, or follow from another option or from the server's own settings: the file of their section says how.
 */
export const DEFAULTS = {
  keepAlive: {
    /** The promise, where the server has no setting either; Node's own default. */
    timeout: 5_000,
    /** The hold, where the server's setting means "for ever" (0): longer than that of the load balancers in front of it. */
    hold: 72_000,
    http10: 'grant',
  },
  halfClosed: 5_000,
  linger: { quiet: 2_000, total: 30_000, bytes: 64 * 1024 * 1024, connections: 1_000 },
  drain: { delay: 0, deadline: 20_000, idle: 'promise', silent: 5_000, minRate: 240 },
  limits: { stalled: 60_000, refuse: 'answer' },
  tcp: { noDelay: true, keepAlive: 60_000 },
  http2: { streams: 128, resets: 500, control: 1_000 },
  readiness: {
    /** The time that `check` may take. */
    timeout: 1_000,
    /** The default of `drain.delay` where there is a readiness route: a load balancer that asks every second or two sees that the server is not ready. */
    delay: 5_000,
  },
} as const
