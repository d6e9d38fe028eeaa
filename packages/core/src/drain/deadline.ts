import { attempt } from '../events/error-boundary.js'
import { closeOutputFirst, cut } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { noteWritten } from '../http1/response-written.js'
import { breakOffUnended, cutSession, goAway, killSession } from '../http2/goaway.js'
import type { Session } from '../http2/session.js'
import { afterPoll } from '../node/timers.js'
import { describeConnection, describeSession } from '../server/describe-connection.js'
import type { GovernedServer } from '../server/governed-server.js'
import type { Look } from '../server/wait-reason.js'
import type { DrainCounts } from './drain-counts.js'

// The end of a drain: what happens at the deadline to the connections that are left.

/** The deadline: cuts the connections that are left, except that idle and silent ones still close output first. */
export function endRest(servers: readonly GovernedServer[], counts: DrainCounts, look: Look): void {
  for (const connection of connectionsOf(servers)) attempt(connection, () => endAtDeadline(connection, counts, look))
  for (const session of sessionsOf(servers)) attempt(session, () => endSessionAtDeadline(session, counts, look))
  for (const governed of servers) counts.handshakes += governed.handshakes.destroyWhere(() => true)
}

/** Cuts what is still open some time after the deadline. */
export function cutRest(servers: readonly GovernedServer[]): void {
  for (const connection of connectionsOf(servers)) attempt(connection, (one) => cut(one, one.ending ?? 'deadline'))
  for (const session of sessionsOf(servers)) attempt(session, killSession)
}

export function connectionsOf(servers: readonly GovernedServer[]): Connection[] {
  return servers.flatMap((governed) => [...governed.connections])
}

export function sessionsOf(servers: readonly GovernedServer[]): Session[] {
  return servers.flatMap((governed) => [...governed.sessions])
}

/** What the deadline does to a connection: the output-first close if no answer is lost by it, otherwise a cut. */
function endAtDeadline(connection: Connection, counts: DrainCounts, look: Look): void {
  noteWritten(connection)
  if (connection.phase === 'lingering') return
  counts.heldBy(describeConnection(connection, look))
  endUnlessSent(connection, look.now)
}

/**
 * If the application has ended a response, the kernel may have it before Node says so: over TLS that takes another turn of the loop. Such a response
 * gets some turns, and so do the requests that waited behind it and are answered at once.
 */
function endUnlessSent(connection: Connection, now: number): void {
  const { current, phase } = connection
  if (current?.res.writableEnded !== true || phase === 'lingering') {
    end(connection, now)
    return
  }
  afterPoll(() => {
    if (connection.socket.destroyed) return
    attempt(connection, () => (connection.current === current ? end(connection, now) : endUnlessSent(connection, now)))
  })
}

function end(connection: Connection, now: number): void {
  const {
    state,
    phase,
    current,
    rare: { waiting, unread },
  } = connection
  if (phase === 'lingering') return
  // The request is answered, and a cut could delete the answer: the kernel would answer the rest of the body with a reset.
  const isAnswered = current === undefined && waiting === undefined && unread !== undefined
  if (state === 'idle' || state === 'silent' || isAnswered) {
    if (now < connection.promiseUntil) connection.owner.promiseBroken('deadline')
    closeOutputFirst(connection, 'deadline')
  } else cut(connection, 'deadline')
}

/** What the deadline does to a session. */
function endSessionAtDeadline(session: Session, counts: DrainCounts, look: Look): void {
  if (session.lingering) return
  for (const held of describeSession(session, look)) counts.heldBy(held)
  if (session.streams.size === 0) {
    goAway(session, 'deadline')
    return
  }
  breakOffUnended(session, 'deadline')
  afterPoll(() => attempt(session, () => cutSession(session, 'deadline')))
}
