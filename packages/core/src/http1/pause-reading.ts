import type { Socket } from 'node:net'
import { readOn } from '../node/parser.js'
import { clearTimeout, nextTick } from '../node/real-timers.js'
import type { Connection, Waiting } from './connection.js'
import { connectionOf } from './connection-of.js'

// Backpressure: nothing more is parsed while too many requests wait, and the client is watched meanwhile.

/** Reading stops at this many waiting requests. Honest clients pipeline a handful. */
const SEVERAL = 16
/** How many bytes are kept unparsed at most, to learn of the client's FIN or reset behind them. */
const KEPT = 256 * 1024
/** Milliseconds between two looks at a client of which more is buffered than a stream takes by itself. */
const LOOK = 250
/** Bytes given to the parser at once: a chunk of 64 KB holds more than two thousand small requests. */
const PIECE = 4 * 1024

const NOTHING = new Uint8Array(0)

/** Whether requests wait, so that more input would only pile up behind them. */
function mustWait({ socket, rare: { waiting } }: Connection): boolean {
  const last = waiting?.at(-1)
  if (waiting === undefined || last === undefined) return false
  return waiting.length >= SEVERAL || socket.writableNeedDrain || hasBody(last)
}

/** A waiting request with a body: the application cannot read the body yet, so Node would stop in the middle of it. */
function hasBody({ event, args: [{ headers }] }: Waiting): boolean {
  if (isUpgrade(event)) return false
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Stops parsing while requests wait. The socket is paused and its input is taken from the parser, but the stream buffers some of it: a socket that is
 * not read at all does not show that its client has left.
 */
export function stopReading(connection: Connection): void {
  const { socket } = connection
  if (connection.rare.stopped || !mustWait(connection)) return
  connection.makeRare().stopped = true
  socket.on('drain', onDrain)
  // Node resumes at the end of every message in the chunk that it is parsing, and when a slow reader has taken a response.
  socket.resume = stayPaused
  socket.pause()
  // Not at once: the parser is in the middle of a chunk.
  nextTick(watch, connection)
}

/** Watches the client of a waiting upgrade in the same way: the stream takes the first bytes of the other protocol, and then nothing reads. */
export function lookAtUpgrade(connection: Connection): void {
  if (connection.rare.stopped) return
  connection.makeRare().stopped = true
  lookLater(connection)
}

export function isUpgrade(event: string | undefined): event is 'upgrade' | 'connect' {
  return event === 'upgrade' || event === 'connect'
}

/**
 * Undoes {@link stopReading}, unless requests still have to wait. What stands behind an upgrade is for the other protocol: it would be read and lost.
 */
export function resumeReading(connection: Connection): void {
  const { socket, rare } = connection
  if (mustWait(connection) || isUpgrade(rare.waiting?.at(-1)?.event) || socket.destroyed) return
  forgetReading(connection)
  socket.resume()
}

/** Undoes it in any case, also for a socket that is handed over. */
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

/** Gives a stream a chunk in pieces, so that reading can stop in the middle of it. Returns what `push` returns. */
export function pushPieces(chunk: Uint8Array, push: (piece: Uint8Array) => boolean): boolean {
  let takesMore = true
  for (let at = 0; at < chunk.length; at += PIECE) takesMore = push(chunk.subarray(at, at + PIECE))
  return takesMore
}

function stayPaused(this: Socket): Socket {
  return this
}

/** Lets the stream buffer the input: the parser gets it when reading goes on. */
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

/**
 * The stream stops by itself at its high-water mark. Beyond that, each look reads one more chunk; when enough is kept, the kernel is only asked for
 * errors.
 */
function look(connection: Connection): void {
  const {
    socket,
    inputEnded,
    rare: { stopped },
  } = connection
  if (!stopped || socket.destroyed || inputEnded) return
  if (socket.readableLength < KEPT) readOn(socket)
  // Writing no bytes sends nothing, but the kernel reports if the connection is gone.
  else if (socket.writable && socket.writableLength === 0) socket.write(NOTHING)
  lookLater(connection)
}

function nothing(): void {}

/** Node starts reading again whenever a slow reader has taken a response. Whether that is right depends on the waiting requests. */
function onDrain(this: Socket): void {
  const connection = connectionOf(this)
  if (connection !== undefined) resumeReading(connection)
}
