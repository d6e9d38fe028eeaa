import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { end, write } from './body.js'
import { dropWaiting, shut } from './closing.js'
import { type Connection, connectionOf, type Waiting } from './connection.js'
import { answer, restartRequestTimeout } from './failure.js'
import { handOver, letGo, watchHeld } from './handover.js'
import { writeHead } from './head.js'
import { goIdle } from './idle.js'
import { resumeReading, stopReading } from './reading.js'
import type { Site } from './site.js'

export type RequestEvent = 'request' | 'checkContinue' | 'checkExpectation'

/**
 * A request has been parsed. One at a time is handed to the application, in order; what arrives behind a close never is
 * (RFC 9112 §9.3.2, §9.6). Returns what `emit` returns.
 */
export function arrive(site: Site, event: RequestEvent, req: IncomingMessage, res: ServerResponse): boolean {
  // HTTP/2 orders its streams itself; looking for their socket would already go through the session's proxy.
  const connection = req.httpVersionMajor >= 2 ? undefined : connectionOf(req.socket)
  if (connection === undefined) return site.forward(event, [req, res])
  if (connection.current !== undefined) return hold(connection, event, [req, res])
  if (connection.ending !== undefined) {
    site.counts.dropped++
    return true
  }
  return begin(connection, event, req, res, performance.now())
}

/** An upgrade or CONNECT has been parsed: Node has let go of the socket. It passes the same gate. */
export function arriveUpgrade(site: Site, event: 'upgrade' | 'connect', args: readonly [IncomingMessage, ...unknown[]]): boolean {
  const connection = args[0].httpVersionMajor >= 2 ? undefined : connectionOf(args[0].socket)
  if (connection === undefined) return site.forward(event, args)
  if (connection.current !== undefined) {
    watchHeld(connection.socket)
    return hold(connection, event, args)
  }
  if (connection.ending !== undefined) {
    site.counts.dropped++
    shut(connection, 'handler')
    return true
  }
  return handOver(connection, event, args)
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
  connection.unread = undefined
  connection.blame = undefined
  connection.requests++
  site.counts.received++
  connection.current = {
    req,
    res,
    arrived,
    parserPersists: res.shouldKeepAlive,
    declared: -1,
    written: 0,
    wrongLength: false,
    closeDelimited: false,
    bodyTaken: false,
  }
  Object.assign(res, HOOKS)
  res.on('finish', onFinish)
  // HTTP/1.1 without Host (RFC 9112 §3.2): Node would answer by itself, past the gate.
  if (site.requireHost && req.httpVersionMinor === 1 && req.headers.host === undefined) {
    res.writeHead(400, { Connection: 'close' }).end()
    return true
  }
  if (site.intercept?.(req, res) === true) return true
  return site.forward(event, [req, res])
}

const HOOKS = { writeHead, write, end }

/** The response is with the kernel. Runs after Node's own listener, which has taken the response off the socket. */
function onFinish(this: ServerResponse): void {
  const connection = connectionOf(this.req.socket)
  const exchange = connection?.current
  // Node 20 emits 'finish' also where the write failed because the socket was destroyed.
  if (connection === undefined || exchange?.res !== this || connection.socket.destroyed) return
  connection.current = undefined
  connection.site.counts.finished++
  connection.site.run?.finished(exchange.arrived)
  clearTimeout(connection.timer)
  if (connection.ending !== undefined) {
    dropWaiting(connection)
    shut(connection, connection.ending)
  } else if (connection.waiting !== undefined) {
    process.nextTick(next, connection)
  } else if (connection.failure !== undefined) {
    process.nextTick(answer, connection, connection.failure)
  } else {
    if (!exchange.req.complete) leaveUnread(connection, exchange.req)
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
    resumeReading(connection)
  }
  first.inContext(() => dispatch(connection, first))
}

function dispatch(connection: Connection, { event, args, arrived }: Waiting): void {
  const [req, res] = args
  if (event === 'upgrade' || event === 'connect') {
    letGo(connection.socket)
    handOver(connection, event, args)
  } else if (isResponse(res) && (event === 'request' || event === 'checkContinue' || event === 'checkExpectation')) {
    begin(connection, event, req, res, arrived)
    restartRequestTimeout(connection)
  }
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
