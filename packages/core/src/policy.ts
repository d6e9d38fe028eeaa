import type { CloseReason, ServerState } from './events/types.js'
import type { KeepAlivePolicy } from './options/types.js'

// Decisions as pure functions of the facts and the time: nothing here reads a clock, a socket or a random number.

/** The second between the end of a promise and the close: for a request that was sent in the promise's last moment and is still on its way. */
export const GRACE = 1_000

/** The facts about an exchange when its response head is about to be written. */
export interface Facts {
  readonly http10: boolean
  /** The parser's own verdict: false if the request's version or framing rules out persistence. */
  readonly parserPersists: boolean
  readonly askedClose: boolean
  readonly askedKeepAlive: boolean
  /** The application said `Connection: close`. */
  readonly handlerCloses: boolean
  /** The request was answered without the 100 Continue that the client waits for. Nothing tells whether its body still follows. */
  readonly refusesBody: boolean
  /** The response's transfer coding does not show where the body ends (RFC 9112 §6.3). */
  readonly unframed: boolean
  /** The request's framing cannot be trusted: a transfer coding in HTTP/1.0 (RFC 9112 §6.1). */
  readonly faultyFraming: boolean
  /** Requests handed over on this connection, this one included. */
  readonly requests: number
  /** When the connection is too old for another request. */
  readonly expiresAt: number
  /** The connection is over a limit. */
  readonly excess: boolean
  /** The client has sent FIN and no further request waits. */
  readonly inputEnded: boolean
  readonly phase: ServerState
  /** While `leaving`: the part of the delay that is over, from 0 to 1; otherwise 0. */
  readonly left: number
  /** A request that arrived before the drain began waits behind this one: it was accepted, so it is answered. */
  readonly owesMore: boolean
}

/**
 * Whether this response is the connection's last one, and why; `undefined`: the connection persists (RFC 9112 §9.3). The application cannot overrule
 * a close: its `Connection: keep-alive` is not among the facts. While `leaving`, connections are closed gradually, with a probability that rises from
 * 0 to 1 over the delay, so that the connections of a proxy do not all reconnect at once.
 */
export function closeReason(
  keepAlive: KeepAlivePolicy | false,
  facts: Facts,
  now: number,
  random: () => number,
): CloseReason | undefined {
  if (facts.excess) return 'limit'
  if (facts.askedClose) return facts.http10 && keepAlive !== false && keepAlive.http10 === 'ignore' ? 'http10' : 'client-close'
  if (facts.http10) {
    if (!facts.askedKeepAlive || keepAlive === false || keepAlive.http10 !== 'grant') return 'http10'
  }
  if (!facts.parserPersists || facts.faultyFraming) return 'client-close'
  if (facts.refusesBody) return 'handler'
  if (facts.unframed) return 'unframed'
  if (facts.handlerCloses) return 'handler'
  if (keepAlive === false) return 'no-keep-alive'
  if (keepAlive.maxRequests !== false && facts.requests >= keepAlive.maxRequests) return 'max-requests'
  if (now >= facts.expiresAt) return 'max-age'
  if ((facts.phase === 'draining' || facts.phase === 'drained') && !facts.owesMore) return 'draining'
  if (facts.left > 0 && !facts.owesMore && random() < facts.left) return 'draining'
  return facts.inputEnded ? 'client-close' : undefined
}

/**
 * The short way for nearly every response: whether nothing at all prevents another request. {@link closeReason} gives the same answer, but needs
 * three times as many facts. It is only for a response whose application has said nothing about the connection. `persists`: nothing in the request
 * prevents another one; `steady`: the server is serving, nothing depends on the time, and the connection is not over a limit.
 */
export function goesOn(
  keepAlive: KeepAlivePolicy | false,
  persists: boolean,
  steady: boolean,
  inputEnded: boolean,
  requests: number,
): boolean {
  if (!persists || !steady || inputEnded || keepAlive === false) return false
  return keepAlive.maxRequests === false || requests < keepAlive.maxRequests
}

/**
 * Milliseconds to promise with a response that is not the last, in whole seconds; 0: no promise. A promise is never longer than the drain that has
 * begun will keep the connection (`keepable`): otherwise the drain would have to break it.
 */
export function promiseFor(keepAlive: KeepAlivePolicy, keepable: number): number {
  const most = Math.min(keepAlive.timeout, keepable - GRACE)
  return most < 1_000 ? 0 : Math.floor(most / 1_000) * 1_000
}

/**
 * What Node has to print as `timeout=` while nothing shortens the promise, in milliseconds (0: no field). `undefined`: Node cannot print the field as
 * it has to be.
 */
export function printablePromise(keepAlive: KeepAlivePolicy | false): number | undefined {
  if (keepAlive === false || keepAlive.parameters !== '') return undefined
  const promise = promiseFor(keepAlive, Number.POSITIVE_INFINITY)
  return promise === 0 && keepAlive.maxRequests !== false ? undefined : promise
}

/** The value of the Keep-Alive field; empty: no field. */
export function keepAliveField(keepAlive: KeepAlivePolicy, promise: number, requests: number): string {
  const parts: string[] = []
  if (promise > 0) parts.push(`timeout=${promise / 1_000}`)
  if (keepAlive.maxRequests !== false) parts.push(`max=${keepAlive.maxRequests - requests}`)
  if (keepAlive.parameters !== '') parts.push(keepAlive.parameters)
  return parts.join(', ')
}

/** Descriptors below the limit of this process that are kept free: for files, for what handlers open, and for connections that are being closed. */
export function descriptorReserve(limit: number): number {
  return Math.min(Math.max(32, Math.floor(limit / 16)), Math.floor(limit / 2))
}

/** How many of the longest idle connections are closed at a time when descriptors run short: nginx's figures (`ngx_drain_connections`). */
export function reliefOf(idle: number): number {
  return Math.max(Math.min(32, Math.floor(idle / 8)), 1)
}

/** When a connection opened now becomes too old, spread by ±10 % (`random` in [0, 1)), so that connections opened together do not end together. */
export function expiryOf(keepAlive: KeepAlivePolicy | false, now: number, random: () => number): number {
  if (keepAlive === false || keepAlive.maxAge === false) return Number.POSITIVE_INFINITY
  return now + keepAlive.maxAge * (0.9 + 0.2 * random())
}

/**
 * Milliseconds for which a drain will keep an idle connection: until the deadline; and if the policy bounds idle connections, until the listener
 * closes (`untilDraining`) plus that bound. A promise has to be shorter by the grace, since the response needs some time to arrive.
 */
export function keepableFor(idle: 'promise' | number, untilDraining: number, untilDeadline: number): number {
  return idle === 'promise' ? untilDeadline : Math.min(untilDeadline, untilDraining + idle)
}

/** What a drain knows of its idle connections, as instants. */
export interface DrainSoFar {
  /** When it began to close idle connections. */
  readonly since: number
  /** When the last request arrived on any connection; `since` if none has. */
  readonly usedAt: number
}

/**
 * When an idle connection may be closed once the server is `draining`: after its promise and the grace. A connection with a longer `hold` may belong
 * to a proxy, which does not read promises and is about to use it, because others were just closed. It is kept until no request has arrived on any
 * connection for the length of the grace, at most as long as a promise made when the drain began. The drain's own bound limits both.
 */
export function idleCloseAt(
  idle: 'promise' | number,
  hold: number,
  { lastUsed, promised }: { readonly lastUsed: number; readonly promised: number },
  { since, usedAt }: DrainSoFar,
): number {
  const promiseOver = promised > 0 ? lastUsed + promised + GRACE : since
  const held = Math.min(lastUsed + hold, since + promised + GRACE, usedAt + GRACE)
  const closeAt = Math.max(promiseOver, held)
  return idle === 'promise' ? closeAt : Math.min(closeAt, since + idle)
}

/** When a connection that never sent a byte may be closed once the server is `draining`. */
export function silentCloseAt(silent: number, openedAt: number, since: number): number {
  return Math.max(openedAt, since) + silent
}

/** The facts about a session when a stream has been handed over, or its last stream has ended. */
export interface SessionFacts {
  /** Streams handed over, this one included. */
  readonly requests: number
  /** Streams in flight. */
  readonly open: number
  readonly expiresAt: number
  readonly excess: boolean
  readonly inputEnded: boolean
  readonly draining: boolean
}

/** Whether a session takes no further stream, and why; `undefined`: it goes on. */
export function goawayReason(keepAlive: KeepAlivePolicy | false, facts: SessionFacts, now: number): CloseReason | undefined {
  if (facts.excess) return 'limit'
  if (facts.draining) return 'draining'
  if (facts.inputEnded && facts.open === 0) return 'client-close'
  if (keepAlive === false) return facts.open === 0 ? 'no-keep-alive' : undefined
  if (keepAlive.maxRequests !== false && facts.requests >= keepAlive.maxRequests) return 'max-requests'
  return now >= facts.expiresAt ? 'max-age' : undefined
}

/**
 * The part of `leaving` in which no session gets its GOAWAY yet: a proxy that asks for readiness has then stopped sending requests, and none crosses
 * the GOAWAY.
 */
const HEED = 0.6

/**
 * While `leaving`: whether it is a session's turn to get its GOAWAY. `left`: the part of the delay that is over; `leftAtOpening`: the part that was
 * over when the session was opened. Sessions get theirs one after another, so that their clients do not all reconnect at once.
 */
export function isTold(share: number, left: number, leftAtOpening: number): boolean {
  return left > 0 && left >= leftAtOpening + (HEED + (1 - HEED) * share) * (1 - leftAtOpening)
}

/** When a session may get its GOAWAY once the server is `draining` (since `since`): one that has just connected still gets its first stream. */
export function sessionCloseAt(silent: number, openedAt: number, requests: number, since: number): number {
  return openedAt > since && requests === 0 ? silentCloseAt(silent, openedAt, since) : since
}
