import type { ServerHttp2Stream } from 'node:http2'
import type { Writable } from 'node:stream'
import { kill } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { ignoreError } from '../http2/goaway.js'
import type { StreamExchange } from '../http2/session.js'
import { bytesTaken } from '../node/socket-handle.js'
import type { GovernedServer } from '../server/governed-server.js'
import type { WebSocketOutput } from '../socket/websocket-output.js'

/**
 * `drain.upgraded` is over for whatever of the server is another protocol's: its output is ended, a WebSocket's by a close frame where one may stand. `late`: one that is
 * amid a frame of its own is waited for no longer.
 */
export function endUpgraded(governed: GovernedServer, late: boolean): void {
  for (const connection of governed.connections) if (connection.phase === 'upgraded') endConnection(connection, late)
  for (const session of governed.sessions) {
    for (const [stream, exchange] of session.streams) if (exchange.tunnel !== false) endTunnel(governed, stream, exchange, late)
  }
}

function endConnection(connection: Connection, late: boolean): void {
  const {
    socket,
    rare: { upgrade },
  } = connection
  if (socket.destroyed || connection.ending !== undefined || !endOutput(socket, upgrade?.output, late)) return
  connection.ending = 'draining'
  connection.closedFirst ??= 'server'
  awaitEnd(connection)
}

/** What the peer still sends is the application's; but only as long as it takes what was written, or `linger.quiet`. */
function awaitEnd(connection: Connection): void {
  const before = bytesTaken(connection)
  connection.setTimer(connection.owner.policy.linger.quiet, () => {
    if (bytesTaken(connection) > before) awaitEnd(connection)
    else kill(connection)
  })
}

function endTunnel(governed: GovernedServer, stream: ServerHttp2Stream, { output }: StreamExchange, late: boolean): void {
  if (stream.destroyed || stream.writableEnded || !endOutput(stream, output, late)) return
  governed.timers.after(governed.policy.linger.quiet, () => {
    if (!stream.destroyed) stream.close()
  })
}

/** Whether it was ended now, and not amid a frame. */
function endOutput(stream: Writable, output: WebSocketOutput | undefined, late: boolean): boolean {
  if (output?.isAmid === true && !late && !stream.writableEnded) return false
  // The other protocol may not listen, and goes on writing: that is no error of its own, and must not take along what was written.
  stream.on('error', ignoreError)
  const farewell = output?.farewell
  if (farewell !== undefined && farewell.length > 0 && !stream.writableEnded) stream.write(farewell)
  stream.end()
  Object.assign(stream, { write: writeNothing })
  return true
}

function writeNothing(_chunk: unknown, ...rest: unknown[]): boolean {
  const callback = rest.at(-1)
  if (typeof callback === 'function') process.nextTick(() => callback())
  return true
}
