import type { Socket } from 'node:net'

// How long a peer may take nothing of what there is for it. Pure: what has been taken comes in, and the time.

/** Milliseconds that a peer which has taken nothing yet has for that: the window of `minRate`. */
export const WINDOW = 5_000
/**
 * Milliseconds that a peer which has taken something may be quiet. A program that reads 64 KiB at once, and over TLS a record of 16 KiB more, is quiet for
 * 20.5 s at 4 kB/s, and from outside it looks as one that has stalled.
 */
export const READ = 22_000
/** A head, a TLS handshake: a peer that has taken no more has not shown that it reads. */
const SHOWN = 8_192
/** Milliseconds in which buffers on the way fill up, and some bytes are counted twice, as sent and as received: that is no progress of the peer. */
const FILLING = 1_000
/** … that a peer may be quiet where only our own kernel can be asked: that tells us when a third of its buffer is free. */
const GENEROUS = 300_000

/** What has been taken, in bytes since the connection was opened. */
export interface Taken {
  /** By our kernel. */
  readonly kernel: number
  /** By the peer; `undefined`: nobody can tell. */
  readonly peer: number | undefined
}

/** `unacknowledged`: of what our kernel took; `undefined`: nobody can tell. */
export function takenOf(kernel: number, unacknowledged: number | undefined): Taken {
  return { kernel, peer: unacknowledged === undefined ? undefined : Math.max(0, kernel - unacknowledged) }
}

/** Until when a peer has time. */
export interface Patience extends Taken {
  readonly since: number
  readonly until: number
  /** The same where only our own kernel can be asked: what that took lasts a slow reader so long. */
  readonly generous: number
}

export function beginPatience(taken: Taken, now: number): Patience {
  const until = now + firstFor(taken)
  return { ...taken, since: now, until, generous: until }
}

/** What a peer took lasts it as long as it does at `rate` bytes/s, at most {@link READ}. */
export function goOn(before: Patience, taken: Taken, now: number, rate: number): Patience {
  const time = (bytes: number): number => (Math.max(0, bytes) * 1_000) / rate
  const generous = before.generous + time(taken.kernel - before.kernel)
  const isFilling = now - before.since < FILLING
  const most = isFilling ? before.since + firstFor(taken) : now + READ
  const peer = taken.peer === undefined ? undefined : Math.max(taken.peer, before.peer ?? 0)
  const until = Math.max(before.until, Math.min(before.until + time((peer ?? 0) - (before.peer ?? peer ?? 0)), most))
  return { kernel: taken.kernel, peer, since: before.since, until, generous }
}

export function isOver({ peer, until, generous }: Patience, now: number): boolean {
  return now >= (peer === undefined ? Math.max(until, generous) : until)
}

function firstFor({ peer }: Taken): number {
  return peer !== undefined && peer > SHOWN ? READ : WINDOW
}

/** Whether there is something for the peer that it has not taken. Else it is the application that takes its time. */
export function isOwed({ socket }: { readonly socket: Socket }, { kernel, peer }: Taken): boolean {
  return socket.writableLength > 0 || (peer !== undefined && peer < kernel)
}

/** A peer that is bound by a time which starts anew while it takes something, and for how long it has taken nothing. */
export interface Quiet extends Taken {
  readonly quiet: number
}

/** `ms` later. `undefined`: it has taken nothing for long enough, or there is nothing for it to take. */
export function stayQuiet(before: Quiet, taken: Taken, isOwed: boolean, ms: number): Quiet | undefined {
  const { kernel, peer } = taken
  const moves = peer === undefined || before.peer === undefined ? kernel > before.kernel : peer > before.peer
  if (moves) return { ...taken, quiet: 0 }
  if (!isOwed) return undefined
  // It may have taken something before anybody looked.
  const quiet = peer !== undefined && before.peer === undefined ? 0 : before.quiet + ms
  if (quiet > 0 && quiet >= longestQuiet(peer)) return undefined
  return { ...taken, quiet }
}

function longestQuiet(peer: number | undefined): number {
  if (peer === undefined) return GENEROUS
  return peer > SHOWN ? READ : 0
}
