import { count } from '../events/events.js'
import { printable } from '../events/printable.js'
import { seconds } from '../events/seconds.js'
import type { ConnectionState } from '../events/types.js'
import type { Connection } from '../http1/connection.js'
import type { Session } from '../http2/session.js'
import { describeConnection, describeSession } from '../server/describe-connection.js'
import type { Look } from '../server/wait-reason.js'

/** `halfclose: draining, 14.2 s left: 2 busy, 11 idle; oldest GET /report for 3.1 s: the handler` */
export function progressLine(connections: readonly Connection[], sessions: readonly Session[], left: number, look: Look): string {
  const states: Partial<Record<ConnectionState, number>> = {}
  for (const { state } of [...connections, ...sessions]) count(states, state)
  const busy = connections
    .filter(({ current }) => current !== undefined)
    .map((connection) => describeConnection(connection, look))
  const streams = sessions.filter((session) => session.streams.size > 0).flatMap((session) => describeSession(session, look))
  const [first, ...others] = [...busy, ...streams]
  const oldest = others.reduce((held, other) => (held !== undefined && held.ms >= other.ms ? held : other), first)
  const open = Object.entries(states).map(([state, n]) => `${n} ${state}`)
  const request =
    oldest === undefined
      ? ''
      : `; oldest ${printable(`${oldest.method} ${oldest.path}`)} for ${seconds(oldest.ms)}: ${oldest.waitsFor}`
  return `halfclose: draining, ${seconds(left)} left: ${open.join(', ') || 'nothing'} open${request}`
}
