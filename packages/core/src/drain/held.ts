import { performance } from 'node:perf_hooks'
import { count } from '../events/events.js'
import { seconds } from '../events/seconds.js'
import type { ConnectionState, HeldBy } from '../events/types.js'
import type { Connection } from '../http1/connection.js'
import type { Session } from '../http2/session.js'
import { remoteOf } from '../socket/remote-address.js'

/** What a connection holds the drain with. The query is left out: it may hold secrets. */
export function describeHeld({ site, socket, state, current, lastUsed, rare: { upgrade } }: Connection, now: number): HeldBy {
  const { method, url } = current?.req ?? upgrade ?? {}
  return {
    remote: remoteOf(socket, site),
    state,
    method,
    path: url?.split('?')[0],
    // Both are rounded, and may be a moment ahead.
    ms: Math.max(0, Math.round(now - (current?.arrived ?? lastUsed))),
  }
}

/** A session holds the drain with each of its streams. */
export function describeSession({ site, socket, state, streams, lastUsed }: Session, now: number): HeldBy[] {
  const remote = remoteOf(socket, site)
  if (streams.size === 0) return [{ remote, state, method: undefined, path: undefined, ms: Math.round(now - lastUsed) }]
  return [...streams.values()].map(({ method, path, arrived }) => {
    return { remote, state, method, path: path?.split('?')[0], ms: Math.round(now - arrived) }
  })
}

/** `halfclose: draining, 14.2 s left: 2 busy, 11 idle; oldest GET /report for 3.1 s` */
export function progressLine(connections: readonly Connection[], sessions: readonly Session[], left: number): string {
  const now = performance.now()
  const states: Partial<Record<ConnectionState, number>> = {}
  for (const { state } of [...connections, ...sessions]) count(states, state)
  const busy = connections.filter(({ current }) => current !== undefined).map((connection) => describeHeld(connection, now))
  const streams = sessions.filter((session) => session.streams.size > 0).flatMap((session) => describeSession(session, now))
  const [first, ...others] = [...busy, ...streams]
  const oldest = others.reduce((held, other) => (held !== undefined && held.ms >= other.ms ? held : other), first)
  const open = Object.entries(states).map(([state, n]) => `${n} ${state}`)
  const request = oldest === undefined ? '' : `; oldest ${oldest.method} ${oldest.path} for ${seconds(oldest.ms)}`
  return `halfclose: draining, ${seconds(left)} left: ${open.join(', ') || 'nothing'} open${request}`
}
