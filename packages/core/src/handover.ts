import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { shut } from './closing.js'
import { type Connection, connectionOf } from './connection.js'
import { head } from './failure.js'
import { onInputEnd } from './half-closed.js'
import { forgetReading } from './reading.js'

/** An upgrade or CONNECT whose turn has come: the socket belongs to another protocol from now on, or it is refused. */
export function handOver(
  connection: Connection,
  event: 'upgrade' | 'connect',
  args: readonly [IncomingMessage, ...unknown[]],
): boolean {
  const { site, socket } = connection
  if (site.draining || connection.excess) {
    // A tunnel begun now would be cut at the deadline: the client is told to take it elsewhere.
    refuse(connection, head('503 Service Unavailable', 'Retry-After: 1\r\n'), connection.excess ? 'limit' : 'draining')
    return true
  }
  // Our own listener is always there, so that Node does not destroy the socket and the answers before it.
  if (event === 'connect' && site.server.listenerCount('connect') <= 1) {
    refuse(connection, head('501 Not Implemented'), 'error')
    return true
  }
  connection.requests++
  site.counts.received++
  site.counts.finished++
  connection.phase = 'upgraded'
  connection.upgrade = { method: args[0].method, url: args[0].url }
  connection.promised = 0
  letGo(connection)
  socket.allowHalfOpen = connection.wasHalfOpen
  socket.removeListener('end', onInputEnd)
  Reflect.deleteProperty(socket, 'destroySoon')
  Reflect.deleteProperty(socket, 'destroy')
  return site.forward(event, args)
}

function refuse(connection: Connection, response: string, reason: 'draining' | 'limit' | 'error'): void {
  connection.ending = reason
  if (connection.socket.writable) connection.socket.write(response)
  shut(connection, reason)
}

/** Until it is handed over nobody listens for errors: a client's reset would crash the process. Nor does Node pass 'drain' on. */
export function watchHeld(socket: Socket): void {
  socket.on('error', ignore)
  socket.on('drain', passDrainOn)
}

/** As Node hands a socket over: nobody listens, and it is neither flowing nor paused. */
function letGo(connection: Connection): void {
  const { socket } = connection
  forgetReading(connection)
  socket.removeListener('drain', passDrainOn)
  socket.removeListener('error', ignore)
  Reflect.set(socket, 'readableFlowing', null)
}

function ignore(): void {}

function passDrainOn(this: Socket): void {
  const res = connectionOf(this)?.current?.res
  if (res !== undefined && !res.writableEnded) res.emit('drain')
}
