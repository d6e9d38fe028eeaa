import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { RequestEvent } from '../http/messages.js'
import { answerUnavailable } from '../http/unavailable.js'
import { isParsedElsewhere, unpauseParser } from '../node/private.js'
import type { Site } from '../server/governed-server.js'
import { answer, boundLateHead, restartRequestTimeout } from './client-error.js'
import { shut } from './close.js'
import { type Connection, connectionOf, kConnection, type SocketCarrier } from './connection.js'
import { refuses, refusesHost } from './error-responses.js'
import { type Body, beginExchange, type Exchange, exchangeOf, isHandedOn, isIncomplete, mayPersist } from './exchange.js'
import { boundAnswer } from './half-closed.js'
import { goIdle } from './idle.js'
import { takeOverConnection } from './opened-before-attach.js'
import { lookAtUpgrade, resumeReading, stopReading } from './pause-reading.js'
import { endBelow } from './response-body.js'
import { takeOver, withoutInterim } from './response-methods.js'
import { leaveUnread } from './unread-body.js'
import { handOver, watchHeld } from './upgrade.js'
import { dropWaiting, enqueue, runIn, takeFirst, type Waiting } from './waiting-requests.js'

/**
 * A request has been parsed. One at a time is handed to the application, in order; what arrives behind a close never is
 * (RFC 9112 §9.3.2, §9.6). Returns what `emit` returns.
 */
export function arrive(site: Site, event: RequestEvent, req: IncomingMessage, res: ServerResponse): boolean {
  const socket: (Socket & SocketCarrier) | null | undefined = req.socket
  // Made by hand: no connection's.
  if (socket === null || socket === undefined) return site.forwardRequest(event, req, res)
  // A connection from before attach(), whose answers before this one are out.
  const connection = socket[kConnection] ?? (res.socket === socket ? takeOverConnection(site, socket) : undefined)
  if (connection === undefined) return refusesHost(site, req, res) || site.forwardRequest(event, req, res)
  let waits = false
  if (connection.current !== undefined) {
    // `server.emit('request', req, res)` out of a checkContinue listener, or to redirect within: it has passed already.
    if (isHandedOn(connection.current, req, res)) return site.forwardRequest(event, req, res)
    noteWritten(connection)
    waits = connection.current !== undefined || connection.waiting !== undefined
  }
  if (connection.raw !== undefined || connection.inPieces) {
    unpauseParser(connection.socket)
    // The stream gives what it has kept as soon as an answer is out, perhaps before the next of those that wait has its turn.
    waits ||= connection.waiting !== undefined
  }
  if (waits) return hold(connection, event, [req, res])
  if (connection.ending !== undefined) {
    site.counts.dropped++
    return true
  }
  if (!connection.isCommon && connection.late !== undefined) return beginLate(connection, event, req, res, connection.late)
  return begin(connection, event, req, res, connection.site.arrival)
}

/** A request whose head was late. Node counts the time of its body no longer. */
function beginLate(connection: Connection, event: RequestEvent, req: IncomingMessage, res: ServerResponse, late: Error): boolean {
  connection.late = undefined
  const heard = begin(connection, event, req, res, connection.site.arrival)
  restartRequestTimeout(connection, late)
  return heard
}

/** An upgrade or CONNECT has been parsed: Node has let go of the socket. It passes the same gate. */
export function arriveUpgrade(site: Site, event: 'upgrade' | 'connect', args: readonly [IncomingMessage, ...unknown[]]): boolean {
  const connection = connectionOf(args[0].socket)
  // Handed over already: Fastify's second server passes its upgrades on to the first.
  if (connection === undefined || connection.phase === 'upgraded') return site.forward(event, args)
  watchHeld(connection.socket)
  if ((connection.current !== undefined || connection.waiting !== undefined) && connection.phase !== 'lingering') {
    hold(connection, event, args)
    lookAtUpgrade(connection)
    return true
  }
  connection.late = undefined
  if (connection.ending === undefined) return upgrade(connection, event, args, site.now)
  site.counts.dropped++
  if (connection.phase === 'lingering') site.lingering.takeRaw(connection)
  else shut(connection, 'handler')
  return true
}

function hold(connection: Connection, event: string, args: Waiting['args']): true {
  if (connection.waiting === undefined && connection.current !== undefined) watchFinish(connection.current.res)
  enqueue(connection, event, args)
  stopReading(connection)
  return true
}

function begin(connection: Connection, event: RequestEvent, req: IncomingMessage, res: ServerResponse, arrived: number): boolean {
  const { site } = connection
  site.registry.turn(connection, 'busy')
  connection.requests++
  const exchange = beginExchange(connection, req, res, arrived)
  takeOver(exchange, res)
  // Nothing of what follows is to be done for nearly any request: this asks for all of it at once.
  const isUsual = !exchange.isSpecial && connection.isCommon && connection.requests > 1 && !connection.inputEnded
  if (!isUsual || site.isDemanding || site.run !== undefined) return beginUncommon(exchange, event)
  site.counts.received++
  return site.forwardRequest(event, req, res)
}

function beginUncommon(exchange: Exchange, event: RequestEvent): boolean {
  const { connection, req, res, arrived } = exchange
  const { site } = connection
  connection.beginAnew()
  site.capacity.busy(connection)
  if (!connection.excess) site.counts.received++
  site.run?.used(arrived)
  // Before the application, whose own choice counts.
  if (connection.requests === 1) {
    if (mayPersist(exchange)) site.probes.enable(connection.socket)
    else site.probes.enableIfItLasts()
    if (isParsedElsewhere(site.server, connection.socket)) connection.unlisted = true
  }
  if (connection.waiting !== undefined) watchFinish(res)
  if (connection.inputEnded) boundAnswer(connection)
  if (refuses(site, exchange)) return true
  // An HTTP/1.0 client would take an interim response for the final one (RFC 9110 §15.2).
  if (exchange.facts.http10) withoutInterim(res)
  if (site.intercept?.(req, res) === true) {
    site.run?.probed(exchange)
    return true
  }
  if (connection.excess) {
    answerUnavailable(res)
    return true
  }
  return site.forwardRequest(event, req, res)
}

/**
 * `socket.setTimeout` of a governed connection. Node calls it, and nothing else, when a response is with the kernel and the connection persists:
 * the idle timer that it would arm is ours (idle-timeout.ts), and no listener is needed for each response.
 */
export function setTimeout(this: Socket & SocketCarrier, ms: number, callback?: () => void): Socket {
  // At the beginning of each request, where the idle timer would be disarmed.
  if (ms === 0 && callback === undefined && !this.timeout) return this
  const connection = this[kConnection]
  if (connection?.current !== undefined && isWritten(connection.current)) {
    // Where others wait it is not Node that calls.
    const isNode = callback === undefined && (connection.isCommon || connection.waiting === undefined)
    written(connection.current)
    if (isNode) return this
  }
  const { setTimeout: node }: Socket = Object.getPrototypeOf(connection?.socket ?? this)
  const prior = connection?.own?.setTimeout ?? node
  return callback === undefined ? prior.call(this, ms) : prior.call(this, ms, callback)
}

/** `socket.destroySoon` of a governed connection: the one place where Node itself closes after a last response. */
export function destroySoon(this: Socket & SocketCarrier): void {
  const connection = this[kConnection]
  // A reset is on its way, which a FIN would overtake: the application has ended a response that was broken off.
  if (connection === undefined || connection.resetTimer !== undefined) return
  if (connection.phase === 'upgraded') {
    const prior: Socket['destroySoon'] = connection.own?.destroySoon ?? Object.getPrototypeOf(connection.socket).destroySoon
    prior.call(this)
    return
  }
  shut(connection, connection.inputEnded ? 'client-close' : 'handler')
  noteWritten(connection)
  // Our end() has been called: what is left for it is to be told, and destroy() when that is out, which is ours.
  connection.own?.destroySoon?.call(this)
}

/** Where Node did not say so: somebody set `server.keepAliveTimeout` to 0 amid a response. */
export function noteWritten({ current }: Connection): void {
  if (current !== undefined && isWritten(current) && !current.connection.released) written(current)
}

/** Node has taken the response off the socket. */
function isWritten({ ended, res }: Exchange): boolean {
  return res.socket === null && (ended === true || res.writableEnded)
}

/** Where others wait behind it Node calls neither of the two above. */
function watchFinish(res: ServerResponse): void {
  res.on('finish', onFinish)
}

/** Runs after Node's own listener. */
function onFinish(this: ServerResponse): void {
  const exchange = exchangeOf(this)
  if (exchange !== undefined && !exchange.connection.released) written(exchange)
}

/** The response is with the kernel. */
function written(exchange: Exchange): void {
  const { connection } = exchange
  // Node 20 says so also where the write failed because the socket was destroyed.
  if (connection.socket.destroyed) return
  if (exchange.body !== undefined) endBody(exchange, exchange.body)
  connection.current = undefined
  const { site, isCommon } = connection
  if (isCommon || !connection.excess) site.counts.finished++
  site.run?.finished(exchange.arrived, exchange)
  if (!isCommon) connection.clearTimers()
  if (connection.ending !== undefined) {
    dropWaiting(connection)
    shut(connection, connection.ending)
  } else if (isCommon || !takesUpNext(connection)) {
    if (isIncomplete(exchange)) leaveUnread(connection, exchange.req)
    goIdle(connection)
  }
}

function endBody(exchange: Exchange, { declared }: Body): void {
  const { connection } = exchange
  endBelow(exchange)
  if (declared < 0) connection.site.unframed.delete(connection)
}

/** Takes up what has come in the meantime; whether anything has. */
function takesUpNext(connection: Connection): boolean {
  connection.lastUsed = Math.ceil(performance.now())
  if (connection.waiting !== undefined) process.nextTick(next, connection)
  else if (connection.failure !== undefined) process.nextTick(answerInRoot, connection, connection.failure)
  else return boundLateHead(connection)
  return true
}

/** Not in the context of the request that was answered before. */
function answerInRoot(connection: Connection, failure: Error): void {
  connection.site.timers.inRoot(() => answer(connection, failure))
}

/** Hands over what waited longest, in the async context in which it was parsed. */
function next(connection: Connection): void {
  // Where it was destroyed in the meantime they have been dropped.
  if (connection.socket.destroyed) return
  const first = takeFirst(connection)
  if (first === undefined) return
  // The socket of an upgrade is left as Node has put it: what comes next is read by whoever takes it.
  if (connection.waiting === undefined && !isUpgrade(first.event)) resumeReading(connection)
  runIn(connection, first, () => dispatch(connection, first))
}

function dispatch(connection: Connection, { event, args, arrived, excused }: Waiting): void {
  const [req, res] = args
  if (isUpgrade(event)) upgrade(connection, event, args, arrived)
  else if (isResponse(res) && (event === 'request' || event === 'checkContinue' || event === 'checkExpectation')) {
    begin(connection, event, req, res, arrived)
    if (excused !== undefined) restartRequestTimeout(connection, excused)
  }
}

function upgrade(connection: Connection, event: 'upgrade' | 'connect', args: Waiting['args'], arrived: number): boolean {
  return handOver(connection, event, args, arrived, (req, res) => {
    // Node does not look after this one.
    watchFinish(res)
    return begin(connection, 'request', req, res, arrived)
  })
}

function isUpgrade(event: string): event is 'upgrade' | 'connect' {
  return event === 'upgrade' || event === 'connect'
}

function isResponse(value: unknown): value is ServerResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value
}
