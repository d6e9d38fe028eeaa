/** How long the probe waits, and how much it sends. All times in ms. */
export interface Bounds {
  /** An answer to a request that was sent whole. */
  answer: number
  /** What a server does by itself: letting go a client that is silent, slow or idle. Not within this time is "no". */
  patience: number
  /** Nothing more is expected: so long the probe looks whether something comes all the same. */
  quiet: number
  /** Where a server takes nothing for so long it has stopped reading. */
  stall: number
  /** Bytes of the body in the check of the early answer. */
  upload: number
  /** Bytes of requests that are sent to a server whose answers are not read. */
  unread: number
  /** A process has to be gone so long after its signal. */
  deadline: number
}

/** With `patience` only what follows from it changes: a server's answer is never waited for any less than that. */
export function boundsOf({ patience = 75_000, deadline = 30_000, upload = 16 * 1024 * 1024 } = {}): Bounds {
  return {
    answer: Math.min(10_000, Math.max(patience, 3_000)),
    patience,
    quiet: Math.min(400, patience / 4),
    stall: Math.min(1_000, patience / 5),
    upload,
    unread: 10 * 1024 * 1024,
    deadline,
  }
}
