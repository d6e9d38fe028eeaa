import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { end, write } from './body.js'
import { dropWaiting, shut } from './closing.js'
import { type Connection, connectionOf, type Waiting } from './connection.js'
import { beginExchange, exchangeOf, isIncomplete } from './exchange.js'
import { answer, restartRequestTimeout } from './failure.js'
import { boundAnswer } from './half-closed.js'
import { handOver, watchHeld } from './handover.js'
import { writeHead } from './head.js'
import { goIdle } from './idle.js'
import { unpauseParser } from './node-private.js'
import { resumeReading, stopReading } from './reading.js'
import type { Site } from './site.js'

export type RequestEvent = 'request' | 'checkContinue' | 'checkExpectation'

/**
 * A request has been parsed. One at a time is handed to the application, in order; what arrives behind a close never is
 * (RFC 9112 §9.3.2, §9.6). Returns what `emit` returns.
 */
export function arrive(site: Site, event: RequestEvent, req: IncomingMessage, res: ServerResponse): boolean {
  const connection = connectionOf(req.socket)
  if (connection === undefined) return lacksHost(site, req) ? refuseHost(res) : site.forward(event, [req, res])
  // `server.emit('request', req, res)` out of a checkContinue listener, or to redirect within: it has passed already.
  if (connection.current?.req === req) return site.forward(event, [req, res])
  if (connection.raw !== undefined) unpauseParser(connection.socket)
  if (connection.current !== undefined) return hold(connection, event, [req, res])
  if (connection.ending !== undefined) {
    site.counts.dropped++
    return true
  }
  return begin(connection, event, req, res, performance.now())
}

/** An upgrade or CONNECT has been parsed: Node has let go of the socket. It passes the same gate. */
export function arriveUpgrade(site: Site, event: 'upgrade' | 'connect', args: readonly [IncomingMessage, ...unknown[]]): boolean {
  const connection = connectionOf(args[0].socket)
  // Handed over already: Fastify's second server passes its upgrades on to the first.
  if (connection === undefined || connection.phase === 'upgraded') return site.forward(event, args)
  watchHeld(connection.socket)
  if (connection.current !== undefined && connection.phase !== 'lingering') return hold(connection, event, args)
  if (connection.ending === undefined) return upgrade(connection, event, args)
  site.counts.dropped++
  if (connection.phase === 'lingering') site.lingering.takeRaw(connection)
  else shut(connection, 'handler')
  return true
}

function hold(connection: Connection, event: string, args: Waiting['args']): true {
  connection.waiting ??= []
  connection.waiting.push({ event, args, arrived: performance.now(), inContext: AsyncLocalStorage.snapshot() })
  stopReading(connection)
  return true
}

function begin(connection: Connection, event: RequestEvent, req: IncomingMessage, res: ServerResponse, arrived: number): boolean {
  const { site } = connection
  connection.phase = 'busy'
  connection.beginAnew()
  site.capacity.busy(connection)
  connection.requests++
  if (!connection.excess) site.counts.received++
  const exchange = beginExchange(connection, req, res, arrived)
  // Four system calls: a connection that ends with its first answer is spared them. Before the application, whose own choice counts.
  if (connection.requests === 1) {
    if (exchange.plain) site.enableProbes(connection.socket)
    else setImmediate(probeIfItLasts, connection)
  }
  // One by one: Object.assign costs as much as all the rest.
  res.writeHead = writeHead
  res.write = write
  res.end = end
  if (hasAlias(res)) res.writeHeader = writeHead
  res.on('finish', onFinish)
  if (connection.inputEnded) boundAnswer(connection)
  if (req.httpVersionMajor !== 1) {
    // What the client writes in its request line does not make this connection another protocol.
    res.writeHead(505, { Connection: 'close' }).end()
    return true
  }
  if (lacksHost(site, req)) return refuseHost(res)
  if (isCodedOtherwise(req)) {
    // Node would hand the body over as it is, still coded (RFC 9112 §6.1).
    res.writeHead(501, { Connection: 'close' }).end()
    return true
  }
  // An HTTP/1.0 client would take an interim response for the final one (RFC 9110 §15.2).
  if (exchange.http10) Object.assign(res, NO_INTERIM)
  if (site.intercept?.(req, res) === true) return true
  if (connection.excess) {
    res.writeHead(503, { 'Retry-After': '1', 'Content-Length': '0' }).end()
    return true
  }
  return site.forward(event, [req, res])
}

/** What was to be the connection's only exchange is still open after its turn: it may last. */
function probeIfItLasts(connection: Connection): void {
  if (connection.current !== undefined && !connection.socket.destroyed) connection.site.enableProbes(connection.socket)
}

/** HTTP/1.1 without Host (RFC 9112 §3.2): Node would answer by itself, past the gate. */
function lacksHost(site: Site, req: IncomingMessage): boolean {
  return site.requireHost && req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && req.headers.host === undefined
}

function refuseHost(res: ServerResponse): true {
  res.writeHead(400, { Connection: 'close' }).end()
  return true
}

function isCodedOtherwise(req: IncomingMessage): boolean {
  const coding = req.headers['transfer-encoding']
  return coding !== undefined && coding.trim().toLowerCase() !== 'chunked'
}

function nothing(): void {}

const NO_INTERIM = { writeContinue: nothing, writeProcessing: nothing, writeEarlyHints: nothing, writeInformation: nothing }

/** `writeHeader` is another name for `writeHead` until Node 25. */
function hasAlias(res: ServerResponse): res is ServerResponse & { writeHeader: ServerResponse['writeHead'] } {
  return 'writeHeader' in res
}

/** The response is with the kernel. Runs after Node's own listener, which has taken the response off the socket. */
function onFinish(this: ServerResponse): void {
  const exchange = exchangeOf(this)
  // Node 20 emits 'finish' also where the write failed because the socket was destroyed.
  if (exchange === undefined || exchange.connection.socket.destroyed) return
  const { connection } = exchange
  connection.current = undefined
  if (!connection.excess) connection.site.counts.finished++
  connection.site.run?.finished(exchange.arrived)
  connection.clearTimers()
  if (connection.ending !== undefined) {
    dropWaiting(connection)
    shut(connection, connection.ending)
  } else if (connection.waiting !== undefined) {
    process.nextTick(next, connection)
  } else if (connection.failure !== undefined) {
    process.nextTick(answer, connection, connection.failure)
  } else {
    if (isIncomplete(exchange)) leaveUnread(connection, exchange.req)
    goIdle(connection)
  }
}

/** Hands over what waited longest, in the async context in which it was parsed. */
function next(connection: Connection): void {
  const { waiting, socket } = connection
  const first = waiting?.shift()
  if (first === undefined || socket.destroyed) return
  if (waiting?.length === 0) {
    connection.waiting = undefined
    // The socket of an upgrade is left as Node has put it: what comes next is read by whoever takes it.
    if (!isUpgrade(first.event)) resumeReading(connection)
  }
  first.inContext(() => dispatch(connection, first))
}

function dispatch(connection: Connection, { event, args, arrived, excused }: Waiting): void {
  const [req, res] = args
  if (isUpgrade(event)) upgrade(connection, event, args)
  else if (isResponse(res) && (event === 'request' || event === 'checkContinue' || event === 'checkExpectation')) {
    begin(connection, event, req, res, arrived)
    if (excused !== undefined) restartRequestTimeout(connection, excused)
  }
}

function upgrade(connection: Connection, event: 'upgrade' | 'connect', args: Waiting['args']): boolean {
  return handOver(connection, event, args, (req, res) => begin(connection, 'request', req, res, performance.now()))
}

function isUpgrade(event: string): event is 'upgrade' | 'connect' {
  return event === 'upgrade' || event === 'connect'
}

function isResponse(value: unknown): value is ServerResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value
}

/** Answered before its body had arrived. When that has been read, the connection is quiet: what comes then is the next request. */
function leaveUnread(connection: Connection, req: IncomingMessage): void {
  connection.unread = req
  req.once('close', () => {
    if (connection.unread !== req) return
    connection.unread = undefined
    connection.mark = connection.socket.bytesRead
  })
}
