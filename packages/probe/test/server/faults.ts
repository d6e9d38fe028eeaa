/** The ids of the checks whose rules a server breaks: none, and it keeps them all. */
export type Faults = ReadonlySet<string>

/** What the server promises and how long it waits, in ms. Short: the tests wait for most of it. */
export const times = { promise: 1_000, hold: 1_400, bound: 1_000, zombie: 400 }

/** What all connections of a server have in common. */
export interface Shared {
  readonly faults: Faults
  /** Set once, when the process is told to stop. */
  stoppedAt: number | undefined
  /** A server that goes on working for clients that have gone is busy until then. */
  busyUntil: number
  /** Called when the process is told to stop. */
  readonly onStop: Set<() => void>
}

export const shared = (faults: Faults): Shared => ({ faults, stoppedAt: undefined, busyUntil: 0, onStop: new Set() })
