import type { ServerHttp2Stream } from 'node:http2'
import type { Writable } from 'node:stream'
import { kill } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { ignoreError } from '../http2/goaway.js'
import type { StreamExchange } from '../http2/session.js'
import { nextTick } from '../node/real-timers.js'
import { bytesTaken } from '../node/socket-handle.js'
import type { GovernedServer } from '../server/governed-server.js'
import type { WebSocketOutput } from '../socket/websocket-output.js'

/**
 * The time of `drain.upgraded` is over: ends the output of every connection and stream that belongs to another protocol, a WebSocket's by a close
 * frame if one may stand there. `late`: a WebSocket in the middle of a frame is waited for no longer.
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

/** What the client still sends goes to the application, but only while the client takes what was written, or for `linger.quiet`. */
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

/** Returns whether the output was ended: not if it is in the middle of a frame. */
function endOutput(stream: Writable, output: WebSocketOutput | undefined, late: boolean): boolean {
  if (output?.isMidFrame === true && !late && !stream.writableEnded) return false
  // The other protocol may not listen for errors, and may write on. Such an error is not the protocol's fault, and must not destroy what was written.
  stream.on('error', ignoreError)
  const farewell = output?.farewell
  if (farewell !== undefined && farewell.length > 0 && !stream.writableEnded) stream.write(farewell)
  stream.end()
  Object.assign(stream, { write: writeNothing })
  return true
}

function writeNothing(_chunk: unknown, ...rest: unknown[]): boolean {
  const callback = rest.at(-1)
  if (typeof callback === 'function') nextTick(() => callback())
  return true
}
