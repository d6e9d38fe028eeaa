import { bytesTaken } from '../node/socket-handle.js'
import { hasReset } from './peer-reset.js'
import { isOwed, type Quiet, stayQuiet } from './slow-reader.js'
import type { Ends, UnacknowledgedBytes } from './unacknowledged-bytes.js'

/** Milliseconds between two looks at a peer that sends nothing more. */
const LOOK = 250

/** A peer that has sent FIN, and waits for an answer. */
export interface HalfClosedWait {
  readonly peer: Ends
  /** Milliseconds for which it may take nothing. */
  readonly ms: number
  readonly unacknowledged: UnacknowledgedBytes
  /** Sets the one timer of this wait. */
  arm(ms: number, look: () => void): void
  /** The peer has reset the connection. */
  wasReset(): void
  /** The peer has taken nothing for so long. */
  isOver(): void
}

/** Bounds the wait of a half-closed peer. A peer that takes bytes is there, so the bound starts anew whenever it takes something. */
export function beginHalfClosedWait(wait: HalfClosedWait): void {
  goOn(wait, { kernel: bytesTaken(wait.peer), peer: undefined, quiet: 0 }, wait.ms)
}

/** `left`: milliseconds until the next look at what the peer has taken. */
function goOn(wait: HalfClosedWait, before: Quiet, left: number): void {
  const { peer, ms, unacknowledged } = wait
  const piece = Math.min(left, LOOK)
  wait.arm(piece, () => {
    if (hasReset(peer)) wait.wasReset()
    else if (left > piece) goOn(wait, before, left - piece)
    else {
      const taken = unacknowledged.takenBy(peer)
      const next = stayQuiet(before, taken, isOwed(peer, taken), ms)
      if (next === undefined) wait.isOver()
      else goOn(wait, next, ms)
    }
  })
}
