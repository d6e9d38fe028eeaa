import type { Socket } from 'node:net'

// How long a peer may take nothing of the output that waits for it. These functions are pure: they are given the time and what the peer has taken.

/** Milliseconds within which a peer that has taken nothing yet must take something: the window of `minRate`. */
export const WINDOW = 5_000
/**
 * Milliseconds for which a peer that has taken something may take nothing. A program that reads 64 KiB at once, and over TLS a record of 16 KiB more,
 * pauses for 20.5 s at 4 kB/s, and looks the same as one that has stalled.
 */
export const READ = 22_000
/** A peer that has taken no more than this, a response head or a TLS handshake, has not shown that it reads. */
const SHOWN = 8_192
/** Milliseconds in which buffers on the way fill up, and some bytes count both as sent and as received: that is no progress of the peer. */
const FILLING = 1_000
/** The same pause in milliseconds where only our own kernel can be asked: it reports progress only when a third of its buffer is free. */
const GENEROUS = 300_000

/** What has been taken of a connection's output, in bytes since it was opened. */
export interface Taken {
  /** By our kernel. */
  readonly kernel: number
  /** By the peer; `undefined` where that cannot be known. */
  readonly peer: number | undefined
}

/** `unacknowledged`: the bytes of `kernel` that the peer has not acknowledged; `undefined` where that cannot be known. */
export function takenOf(kernel: number, unacknowledged: number | undefined): Taken {
  return { kernel, peer: unacknowledged === undefined ? undefined : Math.max(0, kernel - unacknowledged) }
}

/** Until when a peer has time. */
export interface Patience extends Taken {
  readonly since: number
  readonly until: number
  /** The same where only our own kernel can be asked: a slow reader has that long for what the kernel took. */
  readonly generous: number
}

export function beginPatience(taken: Taken, now: number): Patience {
  const until = now + firstFor(taken)
  return { ...taken, since: now, until, generous: until }
}

/** Extends a peer's time by what the bytes that it took last it at `rate` bytes/s, at most by {@link READ}. */
export function extendPatience(before: Patience, taken: Taken, now: number, rate: number): Patience {
  const time = (bytes: number): number => (Math.max(0, bytes) * 1_000) / rate
  const generous = before.generous + time(taken.kernel - before.kernel)
  const isFilling = now - before.since < FILLING
  const most = isFilling ? before.since + firstFor(taken) : now + READ
  const peer = taken.peer === undefined ? undefined : Math.max(taken.peer, before.peer ?? 0)
  const gained = peer === undefined || before.peer === undefined ? 0 : peer - before.peer
  const until = Math.max(before.until, Math.min(before.until + time(gained), most))
  return { kernel: taken.kernel, peer, since: before.since, until, generous }
}

export function isPatienceOver({ peer, until, generous }: Patience, now: number): boolean {
  return now >= (peer === undefined ? Math.max(until, generous) : until)
}

function firstFor({ peer }: Taken): number {
  return peer !== undefined && peer > SHOWN ? READ : WINDOW
}

/** Whether output waits for the peer. If not, the application is the slow one. */
export function isOwed({ socket }: { readonly socket: Socket }, { kernel, peer }: Taken): boolean {
  return socket.writableLength > 0 || (peer !== undefined && peer < kernel)
}

/** A peer whose bound starts anew whenever it takes something, and for how long it has taken nothing. */
export interface Quiet extends Taken {
  readonly quiet: number
}

/** The same `ms` later. `undefined`: the peer has taken nothing for long enough, or nothing waits for it. */
export function stayQuiet(before: Quiet, taken: Taken, isOwed: boolean, ms: number): Quiet | undefined {
  const { kernel, peer } = taken
  const moves = peer === undefined || before.peer === undefined ? kernel > before.kernel : peer > before.peer
  if (moves) return { ...taken, quiet: 0 }
  if (!isOwed) return undefined
  // The peer may have taken something before the first look.
  const quiet = peer !== undefined && before.peer === undefined ? 0 : before.quiet + ms
  if (quiet > 0 && quiet >= longestQuiet(peer)) return undefined
  return { ...taken, quiet }
}

function longestQuiet(peer: number | undefined): number {
  if (peer === undefined) return GENEROUS
  return peer > SHOWN ? READ : 0
}
