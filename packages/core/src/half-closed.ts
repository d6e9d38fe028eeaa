import { cut } from './closing.js'
import type { Connection } from './connection.js'
import { bytesTaken } from './node-private.js'

/**
 * The client has sent FIN. If it still waits for an answer it gets it (RFC 9112 §9.6); but a client that is gone looks the same
 * on the wire, and applications rely on the response's 'close' to stop their work: hence the bound.
 */
export function onInputEnd(connection: Connection): void {
  if (connection.phase === 'upgraded') return
  connection.inputEnded = true
  connection.closedFirst ??= 'peer'
  if (connection.current !== undefined) boundAnswer(connection)
  else if (connection.phase !== 'lingering') connection.ending ??= 'client-close'
}

/**
 * Bounds the answer that a half-closed client waits for; anew for each of several. A peer that takes bytes is there: the bound
 * starts anew while output makes progress, too.
 */
export function boundAnswer(connection: Connection): void {
  const { halfClosed } = connection.site.policy
  if (halfClosed === 0) return
  const before = bytesTaken(connection)
  clearTimeout(connection.halfClosedTimer)
  connection.halfClosedTimer = setTimeout(() => {
    if (bytesTaken(connection) > before) boundAnswer(connection)
    else cut(connection, 'half-closed')
  }, halfClosed)
}
