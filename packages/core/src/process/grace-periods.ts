/**
 * Times that are known to be given to a process which was told to leave, and by whom: see docs/timers.md. Most of them kill (SIGKILL),
 * which no process lives to tell. What it can see is that somebody in it called `process.exit()`: after the time of a library, or of
 * the platform, copied into the application.
 */
const TIMERS: readonly (readonly [ms: number, whose: string])[] = [
  [500, 'fastify-cli (FASTIFY_CLOSE_GRACE_DELAY)'],
  [1_600, 'PM2 (kill_timeout)'],
  [10_000, 'close-with-grace, and of Docker and Cloud Run'],
  [30_000, 'Kubernetes, Amazon ECS and Heroku'],
  [90_000, 'systemd (TimeoutStopSec)'],
]

/** Whose timer it probably was that ended the process so many milliseconds after it was told to leave. */
export function timerOf(elapsed: number): string {
  // Timers are late rather than early, more so in a process that has work to do.
  const found = TIMERS.find(([ms]) => elapsed >= ms - 20 && elapsed <= ms + Math.max(200, ms / 20))
  const guess = found === undefined ? '' : ` ${found[0]} ms is that of ${found[1]}`
  return `a timer of the application?${guess}`
}
