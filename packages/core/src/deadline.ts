import { cut, shut } from './closing.js'
import type { Connection } from './connection.js'
import { cutSession, leave } from './goaway.js'
import { describeHeld, describeSession, type Tally } from './report.js'
import type { Session } from './session.js'

/** What a drain's deadline does to a connection: the output-first close where no answer is lost by it, else a cut. */
export function endAtDeadline(connection: Connection, tally: Tally, now: number): void {
  const { state, phase } = connection
  if (phase === 'lingering') return
  tally.heldBy(describeHeld(connection, now))
  if (state === 'idle' || state === 'silent') {
    if (now < connection.promiseUntil) connection.site.broke('deadline')
    shut(connection, 'deadline')
  } else cut(connection, 'deadline')
}

/** The same for a session. */
export function endSessionAtDeadline(session: Session, tally: Tally, now: number): void {
  if (session.lingering) return
  for (const held of describeSession(session, now)) tally.heldBy(held)
  if (session.streams.size > 0) cutSession(session, 'deadline')
  else leave(session, 'deadline')
}
