import { attempt } from '../events/error-boundary.js'
import { cut } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { cutSession } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { WINDOW } from '../socket/slow-reader.js'
import { type AnyConnection, allConnections } from './any-connection.js'
import { LOOK, MinDataRate } from './min-data-rate.js'
import { SendTimeout } from './send-timeout.js'

/** The part of the server that is needed here. */
interface WatchedServer {
  readonly connections: Iterable<Connection>
  readonly sessions: Iterable<Session>
  readonly timers: Timers
  readonly policy: Policy
}

/** Applies `limits.minRate` and `limits.stalled`, inside and outside of a drain. Returns a function that stops it. */
export function watchForStalledPeers({ connections, sessions, timers, policy }: WatchedServer): () => void {
  const { minRate, stalled } = policy.limits
  const minDataRate = new MinDataRate(minRate)
  const sendTimeout = new SendTimeout(stalled === false ? Number.POSITIVE_INFINITY : stalled)
  const look = () => {
    const { now } = timers
    for (const peer of minDataRate.among(allConnections(connections, sessions), now)) attempt(peer, cutStalled)
    if (stalled === false) return
    for (const connection of connections)
      attempt(connection, (one) => {
        if (sendTimeout.isOver(one, now)) cut(one, 'stalled')
      })
  }
  const period = minRate === false && stalled !== false ? Math.min(WINDOW, Math.max(LOOK / 10, stalled / 8)) : LOOK
  const timer = timers.every(period, look, { unref: true })
  return () => timer.stop()
}

export function cutStalled(peer: AnyConnection): void {
  if (peer instanceof Session) cutSession(peer, 'stalled')
  else cut(peer, 'stalled')
}
