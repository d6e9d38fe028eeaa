import type { CloseReason, PromiseBreaker, Report } from '../events/types.js'
import type { DrainOfRequests } from '../http1/connection-owner.js'
import type { DrainOfStreams } from '../http2/session-owner.js'

/** What a server tells the drain that it takes part in, and asks it. */
export interface DrainUnderWay extends DrainOfRequests, DrainOfStreams {
  readonly done: Promise<Report>
  /** When `draining` began; before that, when the drain did. */
  readonly since: number
  /** Milliseconds for which an idle connection will be kept. */
  keepable(): number
  /** While `leaving`: the part of the delay that is over, from 0 to 1. */
  left(): number
  promiseBroken(promise: PromiseBreaker): void
  /** A connection has ended. */
  closed(reason: CloseReason): void
}
