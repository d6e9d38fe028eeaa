import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { bareHead } from '../http/bare-head.js'
import { unavailableHead } from '../http/unavailable.js'
import { halfOpenBefore } from '../node/server-kinds.js'
import { isBroken } from '../socket/connection-error.js'
import { lookLast } from '../socket/last-look.js'
import { followUpgraded } from '../socket/websocket-output.js'
import { shut } from './close.js'
import type { Connection } from './connection.js'
import { connectionOf } from './connection-of.js'
import { noteEnd } from './end.js'
import { leaveReading } from './pause-reading.js'

/** An upgrade or CONNECT whose turn has come: the socket belongs to another protocol from now on, or it is refused. */
export function handOverSocket(
  connection: Connection,
  event: 'upgrade' | 'connect',
  args: readonly [IncomingMessage, ...unknown[]],
  arrived: number,
  /** Hands the request over as one without Upgrade. */
  asRequest: (req: IncomingMessage, res: ServerResponse) => boolean,
): boolean {
  const { owner, socket } = connection
  const [req] = args
  if (event === 'upgrade' && req.httpVersionMinor === 0) {
    if (hasLostBody(req)) {
      refuse(connection, bareHead('501 Not Implemented'), 'error')
      return true
    }
    // Upgrade means nothing in HTTP/1.0 (RFC 9110 §7.8). Node has taken its parser away: this request is the connection's last.
    const res = new ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    return asRequest(req, res)
  }
  // One that waited when the drain began was accepted: the application has it, and until the deadline to end it.
  const isAccepted = owner.drain === undefined || arrived < owner.drain.began
  if (connection.excess) owner.limits.enterAnew(connection)
  if ((owner.draining && !isAccepted) || connection.excess) {
    // A tunnel begun now would be cut at the deadline: the client is told to take it elsewhere.
    refuse(connection, unavailableHead(), connection.excess ? 'limit' : 'draining')
    return true
  }
  if (event === 'connect' && !owner.takesTunnels()) {
    refuse(connection, bareHead('501 Not Implemented'), 'error')
    return true
  }
  connection.requests++
  owner.counts.received++
  owner.counts.finished++
  owner.drain?.used(arrived)
  owner.drain?.finished(arrived)
  connection.promised = 0
  if (/^100-continue$/i.test(req.headers.expect ?? '')) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  letGo(connection)
  leaveToOther(connection)
  const output = event === 'upgrade' ? followUpgraded(owner.policy, socket, req.headers.upgrade, true) : undefined
  const protocol = event === 'upgrade' ? req.headers.upgrade : undefined
  connection.makeRare().upgrade = { method: req.method, url: req.url, protocol, output }
  owner.upgraded(socket, req.method, req.url, protocol)
  const heard = owner.forward(event, args)
  // The client's FIN came while it waited, when nobody listened.
  if (connection.inputEnded && socket.readableEnded) process.nextTick(() => socket.emit('end'))
  return heard
}

/**
 * Whether Node has taken a body for the other protocol's first words (before Node 26): the request would look like a whole one without any.
 */
function hasLostBody(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  return (coding !== undefined || Number(length ?? 0) > 0) && req.complete && req.readableLength === 0
}

/** From here on the socket is another protocol's, and as the server made it: all that we still see is who ends it. */
export function leaveToOther(connection: Connection): void {
  const { owner, socket } = connection
  owner.connections.turn(connection, 'upgraded')
  // Another request came before: it has been done, and the application may have changed it.
  if (connection.requests <= 1) owner.tcpKeepAlive.enable(socket)
  socket.allowHalfOpen = halfOpenBefore(owner.server)
  owner.giveBack(connection)
  noteWhoEnds(connection)
}

function refuse(connection: Connection, response: string, reason: 'draining' | 'limit' | 'error'): void {
  connection.ending = reason
  if (!connection.excess) connection.owner.counts.dropped++
  // Node has taken its parser away.
  connection.makeRare().unlisted = true
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
  leaveReading(connection)
  socket.removeListener('drain', passDrainOn)
  socket.removeListener('error', ignore)
  Reflect.set(socket, 'readableFlowing', null)
}

/**
 * The other protocol ends its connection past us, and listeners of ours would show: its 'end', its error and its 'close' tell whose end
 * came first.
 * What is there already is kept, since somebody may have wrapped it.
 */
function noteWhoEnds(connection: Connection): void {
  const { owner, socket } = connection
  const { emit } = socket
  const note = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === 'end') connection.closedFirst ??= socket.writableEnded ? 'server' : 'peer'
    else if (event === 'close') {
      connection.closedFirst ??= 'server'
      owner.closed(connection)
    }
    return Reflect.apply(emit, socket, [event, ...args])
  }
  const { _destroy } = socket
  const noteError: Socket['_destroy'] = (error, callback) => {
    // Before it is gone: then nobody could tell.
    const broken = isBroken(connection, error)
    connection.closedFirst ??= !socket.writableEnded && broken ? 'peer' : 'server'
    const end = noteEnd(connection)
    if (end !== undefined) lookLast(end, connection, broken ? error : undefined)
    Reflect.apply(_destroy, socket, [error, callback])
  }
  Object.assign(socket, { emit: note, _destroy: noteError })
}

function ignore(): void {}

function passDrainOn(this: Socket): void {
  const res = connectionOf(this)?.current?.res
  if (res !== undefined && !res.writableEnded) res.emit('drain')
}
