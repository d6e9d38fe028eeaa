import { type Counts, count, type Events } from '../events/events.js'
import type { CloseReason } from '../events/types.js'
import type { Timers } from '../node/timers.js'
import { remoteOf } from '../socket/remote-address.js'
import type { AnyConnection } from './any-connection.js'
import { closeEvent } from './close-event.js'
import type { DrainUnderWay } from './drain-under-way.js'

/** The part of the server that is needed here. */
interface Recorder {
  readonly counts: Counts
  readonly events: Events
  readonly timers: Timers
  readonly drain: DrainUnderWay | undefined
  readonly listensOnPath: boolean
}

/** Counts and reports a connection that has ended. */
export function reportEnded(server: Recorder, closed: AnyConnection, reason: CloseReason): void {
  const { requests, closedFirst, ending } = closed
  const { counts, events } = server
  const first = closedFirst ?? (ending === undefined ? 'peer' : 'server')
  counts.closed++
  if (requests > 0) {
    counts.used++
    counts.carried += requests
  }
  counts.closedFirst[first]++
  count(counts.closes, reason)
  server.drain?.closed(reason)
  if (events.hearsClose) tellClosed(server, closed, reason, first)
}

/** A function of its own: its closure would cost every connection that ends a context, even without a listener. */
function tellClosed(server: Recorder, closed: AnyConnection, reason: CloseReason, first: 'server' | 'peer'): void {
  const event = closeEvent(closed, reason, first, remoteOf(closed.socket, server))
  server.timers.inRoot(() => server.events.close(event))
}
