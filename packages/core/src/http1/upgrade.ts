import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { bareHead } from '../http/bare-head.js'
import { unavailableHead } from '../http/unavailable.js'
import { nextTick } from '../node/real-timers.js'
import { halfOpenBefore } from '../node/server-kinds.js'
import { isBroken } from '../socket/connection-error.js'
import { recordSocket } from '../socket/record-socket.js'
import { followUpgraded } from '../socket/websocket-output.js'
import { closeOutputFirst } from './close.js'
import type { Connection } from './connection.js'
import { connectionOf } from './connection-of.js'
import { leaveReading } from './pause-reading.js'
import { recordClose } from './record-close.js'

// Upgrade and CONNECT: the socket is handed over to another protocol, or the request is refused.

/** The turn of an upgrade or CONNECT has come: the socket belongs to another protocol from now on, or the request is refused. */
export function handOverSocket(
  connection: Connection,
  event: 'upgrade' | 'connect',
  args: readonly [IncomingMessage, ...unknown[]],
  arrived: number,
  /** Hands the request over as one without Upgrade. */
  asRequest: (req: IncomingMessage, res: ServerResponse) => boolean,
): boolean {
  const [req] = args
  if (event === 'upgrade' && req.httpVersionMinor === 0) return ignoreUpgrade(connection, req, asRequest)
  if (connection.excess) connection.owner.limits.enterAnew(connection)
  const reason = refusalOf(connection, event, arrived)
  if (reason !== undefined) return refuse(connection, reason)
  return handOverToListener(connection, event, args, arrived)
}

/** Upgrade means nothing in HTTP/1.0 (RFC 9110 §7.8). Node has removed its parser, so this request is the connection's last. */
function ignoreUpgrade(
  connection: Connection,
  req: IncomingMessage,
  asRequest: (req: IncomingMessage, res: ServerResponse) => boolean,
): boolean {
  if (hasLostBody(req)) return refuse(connection, 'error')
  const res = new ServerResponse(req)
  res.shouldKeepAlive = false
  res.assignSocket(connection.socket)
  return asRequest(req, res)
}

type Refusal = 'draining' | 'limit' | 'error'

function refusalOf({ owner, excess }: Connection, event: 'upgrade' | 'connect', arrived: number): Refusal | undefined {
  if (excess) return 'limit'
  // A request that was waiting when the drain began was accepted: the application gets it, and has until the deadline to end it. A tunnel that
  // began now would be cut at the deadline: the client is told to try another server.
  const isAccepted = owner.drain === undefined || arrived < owner.drain.began
  if (owner.draining && !isAccepted) return 'draining'
  return event === 'connect' && !owner.takesTunnels() ? 'error' : undefined
}

function handOverToListener(
  connection: Connection,
  event: 'upgrade' | 'connect',
  args: readonly [IncomingMessage, ...unknown[]],
  arrived: number,
): boolean {
  const { owner, socket } = connection
  const [req] = args
  connection.requests++
  owner.counts.received++
  owner.counts.finished++
  owner.drain?.used(arrived)
  owner.drain?.finished(arrived)
  connection.promised = 0
  if (/^100-continue$/i.test(req.headers.expect ?? '')) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  detach(connection)
  handToOtherProtocol(connection)
  const protocol = event === 'upgrade' ? req.headers.upgrade : undefined
  const output = event === 'upgrade' ? followUpgraded(owner.policy, socket, protocol, true) : undefined
  connection.makeRare().upgrade = { method: req.method, url: req.url, protocol, output }
  owner.upgraded(socket, req.method, req.url, protocol)
  const heard = owner.forward(event, args)
  // The client's FIN came while the request waited, when there was no listener. If the body was not whole, Node 26 gives a stream of its own.
  const stream = args[1] instanceof Duplex ? args[1] : socket
  if (connection.inputEnded && stream.readableEnded) nextTick(() => stream.emit('end'))
  return heard
}

/**
 * Whether Node has taken the body of the request for the first bytes of the other protocol (before Node 26): the request would look complete and
 * empty.
 */
function hasLostBody(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  return (coding !== undefined || Number(length ?? 0) > 0) && req.complete && req.readableLength === 0
}

/** From here on the socket belongs to another protocol, with the settings that the server gave it. halfclose only sees which side ends it. */
export function handToOtherProtocol(connection: Connection): void {
  const { owner, socket } = connection
  owner.connections.turn(connection, 'upgraded')
  owner.limits.busy(connection)
  // An earlier request has enabled it, and the application may have changed it since.
  if (connection.requests <= 1) owner.tcpKeepAlive.enable(socket)
  socket.allowHalfOpen = halfOpenBefore(owner.server)
  owner.restoreSocket(connection)
  noteWhoEnds(connection)
}

/** Answers a request that is not handed over: with 501 where it cannot be served at all, else with 503. */
function refuse(connection: Connection, reason: Refusal): true {
  const { owner } = connection
  connection.ending = reason
  // It has asked, and is answered: no promise is broken by that.
  connection.promised = 0
  owner.connections.turn(connection, 'busy')
  if (!connection.excess) owner.counts.dropped++
  // Node has removed its parser.
  connection.makeRare().unlisted = true
  if (connection.socket.writable)
    connection.socket.write(reason === 'error' ? bareHead('501 Not Implemented') : unavailableHead())
  closeOutputFirst(connection, reason)
  return true
}

/**
 * Until the socket is handed over, the application does not listen for errors: a client's reset would end the process. Nor does Node pass 'drain' on.
 */
export function watchHeld(socket: Socket): void {
  socket.on('error', ignore)
  socket.on('drain', passDrainOn)
}

/** Leaves the socket as Node hands one over: without listeners, and neither flowing nor paused. */
function detach(connection: Connection): void {
  const { socket } = connection
  leaveReading(connection)
  socket.removeListener('drain', passDrainOn)
  socket.removeListener('error', ignore)
  Reflect.set(socket, 'readableFlowing', null)
}

/**
 * Sees which side ends the connection, by its 'end', 'error' and 'close'. The other protocol ends it without calling halfclose, and listeners of ours
 * would be visible to it, so `emit` is replaced. The one that is there is kept, since other code may have wrapped it.
 */
function noteWhoEnds(connection: Connection): void {
  const { owner, socket } = connection
  const { emit } = socket
  const note = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === 'end') connection.closedFirst ??= socket.writableEnded ? 'server' : 'peer'
    // Other code may emit the event as well.
    else if (event === 'close' && socket.destroyed) {
      connection.closedFirst ??= 'server'
      owner.closed(connection)
    }
    return Reflect.apply(emit, socket, [event, ...args])
  }
  const { _destroy } = socket
  const noteError: Socket['_destroy'] = (error, callback) => {
    // Asked before the socket is gone: afterwards there is no way to tell.
    const broken = isBroken(connection, error)
    connection.closedFirst ??= !socket.writableEnded && broken ? 'peer' : 'server'
    const record = recordClose(connection)
    if (record !== undefined) recordSocket(record, connection, broken ? error : undefined)
    Reflect.apply(_destroy, socket, [error, callback])
  }
  Object.assign(socket, { emit: note, _destroy: noteError })
}

function ignore(): void {}

function passDrainOn(this: Socket): void {
  const res = connectionOf(this)?.current?.res
  if (res !== undefined && !res.writableEnded) res.emit('drain')
}
