/**
 * Times that platforms and libraries give a process after they told it to leave: see docs/timers.md. Most of them then kill (SIGKILL), which the
 * process cannot see. It can see a call of `process.exit()`: after the time of a library, or after that of a platform, copied into the application.
 */
const TIMERS: readonly (readonly [ms: number, whose: string])[] = [
  [500, 'fastify-cli (FASTIFY_CLOSE_GRACE_DELAY)'],
  [1_600, 'PM2 (kill_timeout)'],
  [10_000, 'close-with-grace, and of Docker and Cloud Run'],
  [30_000, 'Kubernetes, Amazon ECS and Heroku'],
  [90_000, 'systemd (TimeoutStopSec)'],
]

/** A guess at whose timer ended the process so many milliseconds after it was told to leave. */
export function timerOf(elapsed: number): string {
  // Timers are late rather than early, and later in a process that has work to do.
  const found = TIMERS.find(([ms]) => elapsed >= ms - 20 && elapsed <= ms + Math.max(200, ms / 20))
  const guess = found === undefined ? '' : ` ${found[0]} ms is that of ${found[1]}`
  return `a timer of the application?${guess}`
}
