import type { Socket } from 'node:net'
import { readOn } from '../node/parser.js'
import type { Connection, Waiting } from './connection.js'
import { connectionOf } from './connection-of.js'

/** From this many waiting requests on, nothing more is parsed. Honest clients pipeline a handful. */
const SEVERAL = 16
/** Bytes that are kept unparsed, at most, to learn of the client's FIN or reset behind them. */
const KEPT = 256 * 1024
/** Milliseconds between two looks at a client of which more is buffered than a stream takes by itself. */
const LOOK = 250
/** Bytes given to the parser at once: a chunk of 64 KB holds more than two thousand small requests. */
const PIECE = 4 * 1024

const NOTHING = new Uint8Array(0)

/** Whether something waits that more input could only pile up behind. */
function mustWait({ socket, rare: { waiting } }: Connection): boolean {
  const last = waiting?.at(-1)
  if (waiting === undefined || last === undefined) return false
  return waiting.length >= SEVERAL || socket.writableNeedDrain || hasBody(last)
}

/** Nobody can read it yet: Node would stop reading amid it. */
function hasBody({ event, args: [{ headers }] }: Waiting): boolean {
  if (event === 'upgrade' || event === 'connect') return false
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Stops parsing where requests wait. The socket is paused, and its bytes are taken from the parser, so that the stream buffers some of them: a
 * socket that is not read at all does not tell that its client has left.
 */
export function stopReading(connection: Connection): void {
  const { socket } = connection
  if (connection.rare.stopped || !mustWait(connection)) return
  connection.makeRare().stopped = true
  socket.on('drain', onDrain)
  // Node resumes at the end of every message in the chunk it is parsing, and when a slow reader has taken a response.
  socket.resume = stayPaused
  socket.pause()
  // Not at once: the parser is amid a chunk.
  process.nextTick(watch, connection)
}

/** The same look at the client of an upgrade that waits: its stream takes the first bytes of the other protocol, and then nobody reads. */
export function lookAtUpgrade(connection: Connection): void {
  if (connection.rare.stopped) return
  connection.makeRare().stopped = true
  lookLater(connection)
}

/** Undoes {@link stopReading}, where nothing must wait any more. */
export function resumeReading(connection: Connection): void {
  const { socket } = connection
  if (mustWait(connection) || socket.destroyed) return
  forgetReading(connection)
  socket.resume()
}

/** For a socket that goes to somebody else, too. */
export function forgetReading(connection: Connection): void {
  if (!connection.rare.stopped) return
  const { socket } = connection
  connection.makeRare().stopped = false
  clearTimeout(connection.rare.lookTimer)
  socket.removeListener('drain', onDrain)
  Reflect.deleteProperty(socket, 'resume')
}

/** For a socket that another protocol reads from now on. */
export function leaveReading(connection: Connection): void {
  forgetReading(connection)
  connection.socket.removeListener('data', nothing)
}

/** Gives a chunk to a paused or flowing stream in pieces, so that reading can stop amid it. Returns what `push` returns. */
export function pushPieces(chunk: Uint8Array, push: (piece: Uint8Array) => boolean): boolean {
  let takesMore = true
  for (let at = 0; at < chunk.length; at += PIECE) takesMore = push(chunk.subarray(at, at + PIECE))
  return takesMore
}

function stayPaused(this: Socket): Socket {
  return this
}

/** Lets the stream buffer what comes: the parser gets it when reading goes on. */
function watch(connection: Connection): void {
  const {
    socket,
    rare: { stopped, inPieces },
  } = connection
  if (!stopped || socket.destroyed) return
  if (!inPieces) {
    connection.makeRare().inPieces = true
    socket.on('data', nothing)
  }
  readOn(socket)
  lookLater(connection)
}

function lookLater(connection: Connection): void {
  clearTimeout(connection.rare.lookTimer)
  connection.makeRare().lookTimer = connection.owner.timers.arm(LOOK, () => look(connection), true)
}

/** The stream stops by itself at its high-water mark: beyond that a chunk is read at each look, and then the kernel is asked for errors only. */
function look(connection: Connection): void {
  const {
    socket,
    inputEnded,
    rare: { stopped },
  } = connection
  if (!stopped || socket.destroyed || inputEnded) return
  if (socket.readableLength < KEPT) readOn(socket)
  // Nothing is sent, but the kernel tells if the connection is gone.
  else if (socket.writable && socket.writableLength === 0) socket.write(NOTHING)
  lookLater(connection)
}

function nothing(): void {}

/** Node starts reading again whenever a slow reader has taken a response: whether that is right depends on what waits. */
function onDrain(this: Socket): void {
  const connection = connectionOf(this)
  if (connection !== undefined) resumeReading(connection)
}
