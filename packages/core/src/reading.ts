import type { Socket } from 'node:net'
import { type Connection, connectionOf } from './connection.js'

/** Whether something waits that more input could only pile up behind. */
function mustWait({ waiting, failure }: Connection): boolean {
  return failure !== undefined || (waiting?.length ?? 0) >= SEVERAL
}

/** From this many waiting requests on, nothing more is read. With one, reading goes on, so that a client that leaves is noticed. */
const SEVERAL = 2

/**
 * Stops reading where requests wait. Not at once: Node starts reading again at the end of every message in the chunk it is parsing,
 * and over TLS a parser that is paused amid what has been decrypted fails with HPE_PAUSED.
 */
export function stopReading(connection: Connection): void {
  if (!mustWait(connection)) return
  if (!connection.stopped) {
    connection.stopped = true
    connection.socket.on('drain', stayStopped)
  }
  if (connection.pausing) return
  connection.pausing = true
  process.nextTick(pauseNext, connection)
}

/** Undoes {@link stopReading}, where nothing must wait any more. */
export function resumeReading(connection: Connection): void {
  const { socket } = connection
  if (mustWait(connection) || socket.destroyed) return
  if (connection.stopped) socket.removeListener('drain', stayStopped)
  connection.stopped = false
  socket.resume()
}

/** One tick later still: the restart at the message's end takes a tick of its own, and must not come last. */
function pauseNext(connection: Connection): void {
  process.nextTick(pause, connection)
}

function pause(connection: Connection): void {
  connection.pausing = false
  if (connection.stopped && mustWait(connection)) connection.socket.pause()
}

/** Node starts reading again whenever a slow reader has taken a response. */
function stayStopped(this: Socket): void {
  const connection = connectionOf(this)
  if (connection !== undefined) stopReading(connection)
}
