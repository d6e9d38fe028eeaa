import { attempt } from '../events/attempt.js'
import { cut, shut } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { noteWritten } from '../http1/response-written.js'
import { breakOffUnended, cutSession, killSession, leave } from '../http2/goaway.js'
import type { Session } from '../http2/session.js'
import { afterPoll } from '../node/timers.js'
import type { GovernedServer } from '../server/governed-server.js'
import type { Look } from '../server/waits-for.js'
import { describeHeld, describeSession } from './held.js'
import type { Tally } from './tally.js'

/** The deadline: what is left is cut, save that idle and silent connections still end output first. */
export function endRest(servers: readonly GovernedServer[], tally: Tally, look: Look): void {
  for (const connection of connectionsOf(servers)) attempt(connection, () => endAtDeadline(connection, tally, look))
  for (const session of sessionsOf(servers)) attempt(session, () => endSessionAtDeadline(session, tally, look))
  for (const governed of servers) governed.handshakes.destroyWhere(() => true)
}

/** What is still open a while after that. */
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

/** What a drain's deadline does to a connection: the output-first close where no answer is lost by it, else a cut. */
function endAtDeadline(connection: Connection, tally: Tally, look: Look): void {
  noteWritten(connection)
  if (connection.phase === 'lingering') return
  tally.heldBy(describeHeld(connection, look))
  endUnlessSent(connection, look.now)
}

/**
 * A response that the application has ended may be with the kernel before Node says so: over TLS that takes one more turn of the loop. It gets its
 * turns, and so do those that waited behind it and are answered at once.
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
  // Answered, and a cut would wipe the answer out: the rest of the body would be answered with a reset.
  const isAnswered = current === undefined && waiting === undefined && unread !== undefined
  if (state === 'idle' || state === 'silent' || isAnswered) {
    if (now < connection.promiseUntil) connection.owner.broke('deadline')
    shut(connection, 'deadline')
  } else cut(connection, 'deadline')
}

/** The same for a session. */
function endSessionAtDeadline(session: Session, tally: Tally, look: Look): void {
  if (session.lingering) return
  for (const held of describeSession(session, look)) tally.heldBy(held)
  if (session.streams.size === 0) {
    leave(session, 'deadline')
    return
  }
  breakOffUnended(session, 'deadline')
  afterPoll(() => attempt(session, () => cutSession(session, 'deadline')))
}
