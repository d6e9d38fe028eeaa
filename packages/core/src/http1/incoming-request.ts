import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestEvent } from '../http/messages.js'
import { answerUnavailable } from '../http/unavailable.js'
import { isParsedElsewhere, unpauseParser } from '../node/parser.js'
import { closeOutputFirst } from './close.js'
import type { Connection, Exchange, Http1Owner, Waiting } from './connection.js'
import { connectionOf, kConnection, type SocketCarrier } from './connection-of.js'
import { refuses, refusesHost } from './error-responses.js'
import { beginExchange, isHandedOn, mayPersist } from './exchange.js'
import { boundAnswer } from './half-closed-client.js'
import { takeOverConnection } from './opened-before-attach.js'
import { isUpgrade, lookAtUpgrade, stopReading } from './pause-reading.js'
import { restartRequestTimeout } from './request-timeout.js'
import { takeOverResponse, withoutInterim } from './response-methods.js'
import { noteWritten, watchFinish } from './response-written.js'
import { handOverSocket, watchHeld } from './upgrade.js'
import { enqueue } from './waiting-requests.js'

// A request arrives: it is handed over to the application, waits for its turn, or is refused.

/**
 * A request has been parsed. The application gets one request at a time, in order, and no request behind a close (RFC 9112 §9.3.2, §9.6). Returns
 * what `emit` returns.
 */
export function arrive(owner: Http1Owner, event: RequestEvent, req: IncomingMessage, res: ServerResponse): boolean {
  const socket: (Socket & SocketCarrier) | null | undefined = req.socket
  // The application made this request itself; it belongs to no connection.
  if (socket === null || socket === undefined) return owner.forwardRequest(event, req, res)
  // A connection from before attach(), on which all earlier answers are sent.
  const connection = socket[kConnection] ?? (res.socket === socket ? takeOverConnection(owner, socket) : undefined)
  if (connection === undefined) return refusesHost(owner, req, res) || owner.forwardRequest(event, req, res)
  let waits = false
  if (connection.current !== undefined) {
    // The application emits 'request' for a request that has passed here already: in a checkContinue listener, or to redirect internally.
    if (isHandedOn(connection.current, req, res)) return owner.forwardRequest(event, req, res)
    noteWritten(connection)
    waits = connection.current !== undefined || connection.rare.waiting !== undefined
  }
  if (connection.raw !== undefined || connection.rare.inPieces) {
    unpauseParser(connection.socket)
    // noteWritten() may have resumed the stream, which gives what it has kept: perhaps before the next waiting request has its turn.
    waits ||= connection.rare.waiting !== undefined
  }
  if (waits) return letWait(connection, event, [req, res])
  if (connection.ending !== undefined) {
    owner.counts.dropped++
    return true
  }
  if (!connection.hasNoRareFields && connection.rare.late !== undefined)
    return beginLate(connection, event, req, res, connection.rare.late)
  return begin(connection, event, req, res, connection.owner.arrival)
}

/** Begins a request whose head was late. Node no longer bounds the time of its body. */
function beginLate(connection: Connection, event: RequestEvent, req: IncomingMessage, res: ServerResponse, late: Error): boolean {
  connection.makeRare().late = undefined
  const heard = begin(connection, event, req, res, connection.owner.arrival)
  restartRequestTimeout(connection, late)
  return heard
}

/** An upgrade or CONNECT has been parsed, and Node has let go of the socket. It waits for its turn like a request. */
export function arriveUpgrade(
  owner: Http1Owner,
  event: 'upgrade' | 'connect',
  args: readonly [IncomingMessage, ...unknown[]],
): boolean {
  const connection = connectionOf(args[0].socket)
  // Handed over already: Fastify's second server passes its upgrades on to the first.
  if (connection === undefined || connection.phase === 'upgraded') return owner.forward(event, args)
  watchHeld(connection.socket)
  if ((connection.current !== undefined || connection.rare.waiting !== undefined) && connection.phase !== 'lingering') {
    letWait(connection, event, args)
    lookAtUpgrade(connection)
    return true
  }
  if (connection.rare.late !== undefined) connection.makeRare().late = undefined
  if (connection.ending === undefined) return upgrade(connection, event, args, owner.now)
  owner.counts.dropped++
  if (connection.phase === 'lingering') owner.lingering.takeRaw(connection)
  else closeOutputFirst(connection, 'handler')
  return true
}

function letWait(connection: Connection, event: string, args: Waiting['args']): true {
  if (connection.rare.waiting === undefined && connection.current !== undefined) watchFinish(connection.current.res)
  enqueue(connection, event, args, handOver)
  stopReading(connection)
  return true
}

function begin(connection: Connection, event: RequestEvent, req: IncomingMessage, res: ServerResponse, arrived: number): boolean {
  const { owner } = connection
  owner.connections.turn(connection, 'busy')
  connection.requests++
  const exchange = beginExchange(connection, req, res, arrived)
  takeOverResponse(exchange, res)
  // Nearly every request needs nothing of what follows: one condition asks for all of it.
  const isUsual = !exchange.isSpecial && connection.hasNoRareFields && connection.requests > 1 && !connection.inputEnded
  if (!isUsual || owner.isDemanding || owner.drain !== undefined) return beginSlowPath(exchange, event)
  owner.counts.received++
  return owner.forwardRequest(event, req, res)
}

function beginSlowPath(exchange: Exchange, event: RequestEvent): boolean {
  const { connection, req, res, arrived } = exchange
  const { owner } = connection
  connection.beginAnew()
  owner.limits.busy(connection)
  if (connection.excess) owner.limits.enterAnew(connection)
  if (!connection.excess) owner.counts.received++
  owner.drain?.used(arrived)
  // Before the application runs, so that its own setting wins.
  if (connection.requests === 1) {
    if (mayPersist(exchange)) owner.tcpKeepAlive.enable(connection.socket)
    else owner.tcpKeepAlive.enableIfItLasts()
    if (isParsedElsewhere(owner.server, connection.socket)) connection.makeRare().unlisted = true
  }
  if (connection.rare.waiting !== undefined) watchFinish(res)
  if (connection.inputEnded) boundAnswer(connection)
  if (refuses(owner, exchange)) return true
  // An HTTP/1.0 client would take an interim response for the final one (RFC 9110 §15.2).
  if (exchange.facts.http10) withoutInterim(res)
  if (owner.intercept?.(req, res) === true) {
    owner.drain?.probed(exchange)
    return true
  }
  if (connection.excess) {
    answerUnavailable(res)
    return true
  }
  return owner.forwardRequest(event, req, res)
}

/** The turn of a waiting request has come. */
function handOver(connection: Connection, { event, args, arrived, excused }: Waiting): void {
  const [req, res] = args
  if (isUpgrade(event)) upgrade(connection, event, args, arrived)
  else if (isResponse(res) && (event === 'request' || event === 'checkContinue' || event === 'checkExpectation')) {
    begin(connection, event, req, res, arrived)
    if (excused !== undefined) restartRequestTimeout(connection, excused)
  }
}

function upgrade(connection: Connection, event: 'upgrade' | 'connect', args: Waiting['args'], arrived: number): boolean {
  return handOverSocket(connection, event, args, arrived, (req, res) => {
    // Node does not watch the end of this response.
    watchFinish(res)
    return begin(connection, 'request', req, res, arrived)
  })
}

function isResponse(value: unknown): value is ServerResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value
}
