import type { Socket } from 'node:net'
import { cut } from './closing.js'
import { type Connection, connectionOf } from './connection.js'

/**
 * The client has sent FIN. If it still waits for an answer it gets it (RFC 9112 §9.6); but a client that is gone looks the same
 * on the wire, and applications rely on the response's 'close' to stop their work: hence the bound.
 */
export function onInputEnd(this: Socket): void {
  const connection = connectionOf(this)
  if (connection === undefined || connection.phase === 'upgraded') return
  connection.inputEnded = true
  connection.closedFirst ??= 'peer'
  const { halfClosed } = connection.site.policy
  if (connection.current !== undefined && halfClosed > 0) watch(connection, halfClosed, this.bytesWritten - this.writableLength)
  else if (connection.phase !== 'lingering') connection.ending ??= 'client-close'
}

/** A peer that takes bytes is there: the bound starts anew while output makes progress. */
function watch(connection: Connection, bound: number, flushedBefore: number): void {
  connection.setTimer(bound, () => {
    const { socket } = connection
    const flushed = socket.bytesWritten - socket.writableLength
    if (flushed > flushedBefore) watch(connection, bound, flushed)
    else cut(connection, 'half-closed')
  })
}
