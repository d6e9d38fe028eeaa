/**
 * Milliseconds by which a timer is late in a process that has work to do. One that is later than this tells of a process that stood still: stopped by
 * a signal, blocked by its own code, or starved by its machine.
 */
const USUAL = 250

/** How long a process is known to have stood still: in all, the last time, and until when that was. */
export interface Standstill {
  readonly lost: number
  readonly last: number
  readonly until: number
}

export const NEVER: Standstill = { lost: 0, last: 0, until: Number.NEGATIVE_INFINITY }

/** A timer that was due at `due` fires at `now`. Many tell of the same stand, which is counted once. */
export function withTimer(before: Standstill, due: number, now: number): Standstill {
  if (now - due <= USUAL) return before
  const from = Math.max(due, before.until)
  // In whole milliseconds, as from the beginning: V8 makes anew what it has compiled where a number becomes a fraction.
  return from >= now ? before : { lost: before.lost + Math.round(now - from), last: Math.round(now - due), until: now }
}

/** Milliseconds that are still owed at `now` to those who waited for the process while it stood still: as long as that took, at most `most`. */
export function owedAfter({ last, until }: Standstill, now: number, most: number): number {
  return Math.max(0, until + Math.min(last, most) - now)
}

/** A bound is waited for in so many pieces, so that a stand amid it is noticed: of one that falls within a piece the timer is on time. */
const PIECES = 4
/** Milliseconds of a piece, at least. */
const SHORTEST = 25
/** The longest delay of a Node timer, in milliseconds: Node takes a longer one for one of 1 ms. */
export const LONGEST = 0x7fff_ffff

/** For how long a timer is armed where so much of a bound of `ms` is left. None: the bound is reached. Node's timers are up to 1 ms early. */
export function pieceOf(ms: number, left: number): number | undefined {
  if (left < 1) return undefined
  return Math.min(left, Math.max(ms / PIECES, SHORTEST), LONGEST)
}
