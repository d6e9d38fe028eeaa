import { LONGEST_DELAY } from './real-timers.js'

// How long the process stood still: a signal stopped it (SIGSTOP), its own code blocked the event loop, or the machine had no time for it.

/**
 * Milliseconds by which a timer is late in a process that is merely busy. A timer that is later shows that the process stood still.
 */
const USUAL = 250

/** How long the process is known to have stood still: in all, the last time, and until when. */
export interface Standstill {
  readonly lost: number
  readonly last: number
  readonly until: number
}

export const NEVER: Standstill = { lost: 0, last: 0, until: Number.NEGATIVE_INFINITY }

/** A timer that was due at `due` fires at `now`. Several timers may show the same standstill, which is counted once. */
export function withTimer(before: Standstill, due: number, now: number): Standstill {
  if (now - due <= USUAL) return before
  const from = Math.max(due, before.until)
  // Whole milliseconds, as at the start: V8 discards compiled code where an integer becomes a fraction.
  return from >= now ? before : { lost: before.lost + Math.round(now - from), last: Math.round(now - due), until: now }
}

/** Milliseconds still owed at `now` to clients that waited while the process stood still: as long as the standstill took, at most `most`. */
export function owedAfter({ last, until }: Standstill, now: number, most: number): number {
  return Math.max(0, until + Math.min(last, most) - now)
}

/** A long wait is divided into this many timers, because a single timer is on time if the standstill was over before it was due. */
const PIECES = 4
/** The shortest piece of a wait, in milliseconds. */
const SHORTEST = 25
/** The delay of the next timer, with `left` of a wait of `ms` still to go. `undefined`: the wait is over. Node's timers are up to 1 ms early. */
export function pieceOf(ms: number, left: number): number | undefined {
  if (left < 1) return undefined
  return Math.min(left, Math.max(ms / PIECES, SHORTEST), LONGEST_DELAY)
}
