import type { Counts, Events } from '../events/events.js'
import type { Intercept } from '../http/messages.js'
import type { Timers } from '../node/timers.js'
import type { ConnectionLimits } from './connection-limits.js'

/** What the servers of one handle share. */
export interface SharedContext {
  readonly events: Events
  readonly counts: Counts
  readonly limits: ConnectionLimits
  readonly timers: Timers
  /** Answers a request before the application sees it. */
  readonly intercept: Intercept | undefined
}
