import { AsyncResource, executionAsyncId } from 'node:async_hooks'
import { hasSubscribers } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import { isParsedElsewhere } from '../node/parser.js'
import type { Connection, Exchange, Waiting } from './connection.js'
import { isUpgrade, resumeReading } from './pause-reading.js'

// Pipelining: requests that wait until those before them are answered.

/** Without this option V8 would have to track the collection of each object. */
const BY_HAND = { requireManualDestroy: true }

/**
 * Lets a request wait until those before it are answered. Their number is bounded by one read: Node's parser does not stop in the middle of that.
 * Refusing some of them would not help, since Node keeps all of them until their connection ends.
 */
export function enqueue(connection: Connection, event: string, args: Waiting['args'], handOver: Waiting['handOver']): void {
  const {
    owner,
    rare: { waiting },
  } = connection
  const parsedIn = keepsContext(connection, args) ? executionAsyncId() : 0
  const last = waiting?.at(-1)
  const isSame = parsedIn !== 0 && last?.parsedIn === parsedIn
  const context = isSame ? last.context : new AsyncResource('HALFCLOSE_REQUESTS', BY_HAND)
  const next: Waiting = { event, args, arrived: owner.now, excused: connection.rare.late, context, handOver, parsedIn }
  if (waiting === undefined) connection.makeRare().waiting = [next]
  else waiting.push(next)
  connection.makeRare().late = undefined
}

/** Whether no code between the parser and halfclose could have changed the async context: the context is the connection's then. */
function keepsContext({ owner, socket }: Connection, [req, res]: Waiting['args']): boolean {
  const { server } = owner
  if (server.emit !== owner.emit || isParsedElsewhere(server, socket)) return false
  if (Object.getPrototypeOf(req) !== IncomingMessage.prototype) return false
  if (res instanceof ServerResponse && Object.getPrototypeOf(res) !== ServerResponse.prototype) return false
  return !hasSubscribers('http.server.request.start') && !hasSubscribers('http.server.response.created')
}

/** Removes the request that waited longest. */
function takeFirst(connection: Connection): Waiting | undefined {
  const first = connection.rare.waiting?.shift()
  if (connection.rare.waiting?.length === 0) connection.makeRare().waiting = undefined
  return first
}

/**
 * Runs a function in the async context in which `one` was parsed: in a copy, so that what is entered there does not show in another request's
 * context.
 */
function runIn(connection: Connection, one: Waiting, run: () => void): void {
  const own = one.context.runInAsyncScope(() => new AsyncResource('HALFCLOSE_REQUEST', BY_HAND))
  if (connection.rare.waiting?.[0]?.context !== one.context) one.context.emitDestroy()
  try {
    own.runInAsyncScope(run)
  } finally {
    own.emitDestroy()
  }
}

/** The last waiting request is broken: it is never run. */
export function dropLast(connection: Connection): void {
  const {
    owner,
    rare: { waiting },
  } = connection
  const last = waiting?.pop()
  if (last === undefined) return
  owner.counts.dropped++
  if (waiting?.at(-1)?.context !== last.context) last.context.emitDestroy()
  if (waiting?.length === 0) connection.makeRare().waiting = undefined
}

/** How many requests would have been answered after `current`: none if its head has announced the close. */
export function waitingBehind({ rare: { waiting } }: Connection, { res }: Exchange): number {
  if (waiting === undefined || (res.headersSent && !res.shouldKeepAlive)) return 0
  return waiting.length
}

export function dropWaiting(connection: Connection): void {
  const {
    owner,
    rare: { waiting },
  } = connection
  if (waiting === undefined) return
  owner.counts.dropped += waiting.length
  for (const [index, { context }] of waiting.entries()) if (waiting[index + 1]?.context !== context) context.emitDestroy()
  connection.makeRare().waiting = undefined
}

/** Hands over the request that waited longest, in the async context in which it was parsed. */
export function next(connection: Connection): void {
  // A destroyed connection has dropped its requests already.
  if (connection.socket.destroyed) return
  const first = takeFirst(connection)
  if (first === undefined) return
  // The socket of an upgrade is left as Node has put it: the code that takes it reads the following input.
  if (connection.rare.waiting === undefined && !isUpgrade(first.event)) resumeReading(connection)
  runIn(connection, first, () => first.handOver(connection, first))
}
