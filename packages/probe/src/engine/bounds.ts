/** Bytes of requests, at most, that fill the buffers of a client which does not read. */
export const UNREAD = 6 * 1024 * 1024

/** How long the probe waits, and how much it sends. All times in ms. */
export interface Bounds {
  /** An answer to a request that was sent whole. */
  answer: number
  /** What a server does by itself: closing a client that is silent, slow or idle. If it does not do so in this time, the result is "no". */
  patience: number
  /** For how long the probe watches for bytes that should not come. */
  quiet: number
  /** A server that takes nothing for this time has stopped reading. */
  stall: number
  /** Bytes of the body in the check of the early answer. */
  upload: number
  /** Bytes of requests sent to a server whose answers the client does not read. */
  unread: number
  /** The time after its signal within which a process has to end. */
  deadline: number
}

/** The same for a trial that has only `left` ms. */
export const within = (bounds: Bounds, left: number): Bounds => ({
  ...bounds,
  answer: Math.min(bounds.answer, left),
  patience: Math.min(bounds.patience, left),
})

/** `patience` changes only what depends on it: the probe never waits less than 3 s for an answer. */
export function boundsOf({ patience = 77_000, deadline = 30_000, upload = 16 * 1024 * 1024 } = {}): Bounds {
  return {
    answer: Math.min(10_000, Math.max(patience, 3_000)),
    patience,
    quiet: Math.min(400, patience / 4),
    stall: Math.min(1_000, patience / 5),
    upload,
    unread: UNREAD,
    deadline,
  }
}
