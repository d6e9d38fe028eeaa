import { AsyncResource, executionAsyncId } from 'node:async_hooks'
import { hasSubscribers } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import { isParsedElsewhere } from '../node/private.js'
import type { Connection } from './connection.js'
import type { Exchange } from './exchange.js'

/** A request, upgrade or CONNECT that arrived while another one is being answered. */
export interface Waiting {
  readonly event: string
  readonly args: readonly [IncomingMessage, ...unknown[]]
  readonly arrived: number
  /** A request timeout that struck while we ourselves held it back. */
  excused: Error | undefined
  /**
   * The async context in which it was parsed, which those before and behind it may share: one read holds thousands of small requests. Not
   * AsyncLocalStorage.snapshot(), which takes 4 to 9 µs (`npm run bench -- --only micro`).
   */
  readonly context: AsyncResource
  /** `executionAsyncId()` where it was parsed; 0: others may have changed the context meanwhile, so that it is its own. */
  readonly parsedIn: number
}

/** Without this V8 would have to tell when each is collected. */
const BY_HAND = { requireManualDestroy: true }

/**
 * Lets one wait until those before it are answered. How many may do so is bounded by what is read at once: Node's parser does not stop amid that. Nor would it help to
 * refuse some of them, since Node keeps them all until their connection ends.
 */
export function enqueue(connection: Connection, event: string, args: Waiting['args']): void {
  const { site, waiting } = connection
  const parsedIn = isPlain(connection, args) ? executionAsyncId() : 0
  const last = waiting?.at(-1)
  const isSame = parsedIn !== 0 && last?.parsedIn === parsedIn
  const context = isSame ? last.context : new AsyncResource('HALFCLOSE_REQUESTS', BY_HAND)
  const next: Waiting = { event, args, arrived: site.now, excused: connection.late, context, parsedIn }
  if (waiting === undefined) connection.waiting = [next]
  else waiting.push(next)
  connection.late = undefined
}

/** Nobody stands between the parser and us who could have entered another context: then that is the connection's. */
function isPlain({ site, socket }: Connection, [req, res]: Waiting['args']): boolean {
  const { server } = site
  if (server.emit !== site.emit || isParsedElsewhere(server, socket)) return false
  if (Object.getPrototypeOf(req) !== IncomingMessage.prototype) return false
  if (res instanceof ServerResponse && Object.getPrototypeOf(res) !== ServerResponse.prototype) return false
  return !hasSubscribers('http.server.request.start') && !hasSubscribers('http.server.response.created')
}

/** Takes out the one that waited longest. */
export function takeFirst(connection: Connection): Waiting | undefined {
  const first = connection.waiting?.shift()
  if (connection.waiting?.length === 0) connection.waiting = undefined
  return first
}

/** Runs something in the context in which `one`, which has been taken out, was parsed: in a copy, so that what is entered there shows in no other's. */
export function runIn(connection: Connection, one: Waiting, run: () => void): void {
  const own = one.context.runInAsyncScope(() => new AsyncResource('HALFCLOSE_REQUEST', BY_HAND))
  if (connection.waiting?.[0]?.context !== one.context) one.context.emitDestroy()
  try {
    own.runInAsyncScope(run)
  } finally {
    own.emitDestroy()
  }
}

/** The last one is broken: it is never run. */
export function dropLast(connection: Connection): void {
  const { waiting, site } = connection
  const last = waiting?.pop()
  if (last === undefined) return
  site.counts.dropped++
  if (waiting?.at(-1)?.context !== last.context) last.context.emitDestroy()
  if (waiting?.length === 0) connection.waiting = undefined
}

/** Requests that would have been answered behind `current`: none where its head has said that it is the last. */
export function waitingBehind({ waiting }: Connection, { res }: Exchange): number {
  if (waiting === undefined || (res.headersSent && !res.shouldKeepAlive)) return 0
  return waiting.length
}

export function dropWaiting(connection: Connection): void {
  const { waiting, site } = connection
  if (waiting === undefined) return
  site.counts.dropped += waiting.length
  for (const [index, { context }] of waiting.entries()) if (waiting[index + 1]?.context !== context) context.emitDestroy()
  connection.waiting = undefined
}
