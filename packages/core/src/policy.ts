import type { CloseReason, ServerState } from './events/types.js'
import type { KeepAlivePolicy } from './options/types.js'

// Decisions as pure functions of what is known and of the time: nothing here reads a clock, a socket or a random number.

/** A second more than was promised, for the request that was sent in the promise's last moment and is still on its way. */
export const GRACE = 1_000

/** What is known of an exchange when its response head is about to be written. */
export interface Facts {
  readonly http10: boolean
  /** The parser's own verdict: false where the request's version or framing rules out persistence. */
  readonly parserPersists: boolean
  readonly askedClose: boolean
  readonly askedKeepAlive: boolean
  /** The application said `Connection: close`. */
  readonly handlerCloses: boolean
  /** Answered without the 100 Continue that the client waits for: whether its body follows nobody knows. */
  readonly refusesBody: boolean
  /** The response's transfer coding does not show its end (RFC 9112 §6.3). */
  readonly unframed: boolean
  /** The request's framing cannot be trusted: a transfer coding in HTTP/1.0 (RFC 9112 §6.1). */
  readonly faultyFraming: boolean
  /** Requests handed over on this connection, this one included. */
  readonly requests: number
  /** When the connection is too old for another request. */
  readonly expiresAt: number
  /** One connection too many. */
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
 * Whether this response is the connection's last one, and why; `undefined`: it persists (RFC 9112 §9.3). The application
 * cannot overrule a close: its `Connection: keep-alive` is not among the facts. While `leaving` connections are told to go gradually,
 * with a probability that rises from 0 to 1 over the delay, so that a proxy's pool does not reconnect all at once.
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
 * Whether nothing at all speaks against another request, as of nearly every response: {@link closeReason} would say the same, but has to be told
 * three times as much. Only for a response whose application has said nothing of the connection. `persists`: nothing in the request speaks against
 * it; `steady`: the server is serving, nothing depends on the time, and it is not one connection too many.
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
 * Milliseconds to promise with a persistent response, in whole seconds; 0: nothing is advertised. Never more than the drain that has
 * begun will keep (`keepable`): what outlives that would have to be broken.
 */
export function promiseFor(keepAlive: KeepAlivePolicy, keepable: number): number {
  const most = Math.min(keepAlive.timeout, keepable - GRACE)
  return most < 1_000 ? 0 : Math.floor(most / 1_000) * 1_000
}

/**
 * What Node is to print as `timeout=` while nothing shortens the promise, in milliseconds (0: no field); `undefined`: it cannot print by itself
 * what is to be said.
 */
export function printablePromise(keepAlive: KeepAlivePolicy | false): number | undefined {
  if (keepAlive === false || keepAlive.parameters !== '') return undefined
  const promise = promiseFor(keepAlive, Number.POSITIVE_INFINITY)
  return promise === 0 && keepAlive.maxRequests !== false ? undefined : promise
}

/** The explicit Keep-Alive field value; empty where nothing is to be said. */
export function keepAliveField(keepAlive: KeepAlivePolicy, promise: number, requests: number): string {
  const parts: string[] = []
  if (promise > 0) parts.push(`timeout=${promise / 1_000}`)
  if (keepAlive.maxRequests !== false) parts.push(`max=${keepAlive.maxRequests - requests}`)
  if (keepAlive.parameters !== '') parts.push(keepAlive.parameters)
  return parts.join(', ')
}

/** Descriptors that are kept free of connections below the limit of this process: for files, for what the handlers open, and for connections that are told to go. */
export function descriptorReserve(limit: number): number {
  return Math.min(Math.max(32, Math.floor(limit / 16)), Math.floor(limit / 2))
}

/** How many of the longest idle connections go at a time where descriptors run short: nginx's figures (`ngx_drain_connections`). */
export function reliefOf(idle: number): number {
  return Math.max(Math.min(32, Math.floor(idle / 8)), 1)
}

/** When a connection opened now is too old, spread by ±10 % (`random` in [0, 1)) so that those opened together do not end together. */
export function expiryOf(keepAlive: KeepAlivePolicy | false, now: number, random: number): number {
  if (keepAlive === false || keepAlive.maxAge === false) return Number.POSITIVE_INFINITY
  return now + keepAlive.maxAge * (0.9 + 0.2 * random)
}

/**
 * Milliseconds for which a drain will keep an idle connection: until the deadline, and where the policy bounds idle connections until
 * the listener closes (`untilDraining`) and that bound. A promise has to leave the grace of this: the response is on its way for a while.
 */
export function keepableFor(idle: 'promise' | number, untilDraining: number, untilDeadline: number): number {
  return idle === 'promise' ? untilDeadline : Math.min(untilDeadline, untilDraining + idle)
}

/** What a drain knows of the connections that are idle, as instants. */
export interface DrainSoFar {
  /** It began to close what is idle. */
  readonly since: number
  /** The last request arrived, on whichever connection; `since` where none has. */
  readonly usedAt: number
}

/**
 * When an idle connection may go once the server is `draining`: after its promise and the grace. One that is held for longer (`hold`) has a
 * peer that may not read promises, such as a proxy, and that is about to use it for want of those that were just closed: it is kept until a
 * grace has brought no request at all, and not for longer than a promise made when the drain began. The drain's own bound is above both.
 */
export function idleDue(
  idle: 'promise' | number,
  hold: number,
  { lastUsed, promised }: { readonly lastUsed: number; readonly promised: number },
  { since, usedAt }: DrainSoFar,
): number {
  const promiseOver = promised > 0 ? lastUsed + promised + GRACE : since
  const held = Math.min(lastUsed + hold, since + promised + GRACE, usedAt + GRACE)
  const due = Math.max(promiseOver, held)
  return idle === 'promise' ? due : Math.min(due, since + idle)
}

/** When a connection that never sent a byte may go once the server is `draining`. */
export function silentDue(silent: number, openedAt: number, since: number): number {
  return Math.max(openedAt, since) + silent
}

/** What is known of a session when a stream has been handed over, or its last one is done. */
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

/** The part of `leaving` in which no session is told yet: a proxy that asks for readiness shall have moved on, and crosses no GOAWAY. */
const HEED = 0.6

/**
 * While `leaving`: whether it is a session's turn to be told, `left` being the part of the delay that is over and `leftAtOpening` what was
 * over when it was opened. They are told one after another, so that their clients do not all reconnect at once.
 */
export function isTold(share: number, left: number, leftAtOpening: number): boolean {
  return left > 0 && left >= leftAtOpening + (HEED + (1 - HEED) * share) * (1 - leftAtOpening)
}

/** When a session may be told once the server is `draining` (since `since`): one that has just connected still gets its first stream. */
export function sessionDue(silent: number, openedAt: number, requests: number, since: number): number {
  return openedAt > since && requests === 0 ? silentDue(silent, openedAt, since) : since
}
