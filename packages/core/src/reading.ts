import type { Socket } from 'node:net'
import { type Connection, connectionOf } from './connection.js'

/**
 * From this many waiting requests on, nothing more is read. With fewer, reading goes on: a socket that is not read does not tell
 * that its client has left. Honest clients pipeline a handful.
 */
const SEVERAL = 16

/** Whether something waits that more input could only pile up behind. */
function mustWait({ waiting, socket }: Connection): boolean {
  return waiting !== undefined && (waiting.length >= SEVERAL || socket.writableNeedDrain)
}

/**
 * Stops reading where requests wait. Not at once: Node starts reading again at the end of every message in the chunk it is parsing,
 * and over TLS a parser that is paused amid what has been decrypted fails with HPE_PAUSED.
 */
export function stopReading(connection: Connection): void {
  if (!mustWait(connection)) return
  if (!connection.stopped) {
    connection.stopped = true
    connection.socket.on('drain', onDrain)
  }
  if (connection.pausing) return
  connection.pausing = true
  process.nextTick(pauseNext, connection)
}

/** Undoes {@link stopReading}, where nothing must wait any more. */
export function resumeReading(connection: Connection): void {
  const { socket } = connection
  if (mustWait(connection) || socket.destroyed) return
  if (connection.stopped) socket.removeListener('drain', onDrain)
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

/** For a socket that goes to somebody else. */
export function forgetReading(connection: Connection): void {
  connection.stopped = false
  connection.socket.removeListener('drain', onDrain)
}

/** Node starts reading again whenever a slow reader has taken a response: whether that is right depends on what waits. */
function onDrain(this: Socket): void {
  const connection = connectionOf(this)
  if (connection === undefined) return
  if (mustWait(connection)) stopReading(connection)
  else resumeReading(connection)
}
