import { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { CloseReason } from '../events/types.js'
import { parseConnection } from '../http/tokens.js'
import {
  bodyLength,
  declaredLength,
  hasBody,
  isLast,
  makeLast,
  refusesBody,
  removedConnection,
  setPrintedKeepAlive,
} from '../node/response-fields.js'
import { yieldMessage } from '../node/status-message.js'
import type { KeepAlivePolicy } from '../options/types.js'
import { closeReason, goesOn, keepAliveField, promiseFor } from '../policy.js'
import { end } from './close.js'
import type { Connection, Exchange } from './connection.js'
import { announceClose, type Headers, NOTHING, type Said, whatWasSaid, withConnection, without } from './connection-header.js'
import { type Carrier, endsWithTrailers, ifOpen, isMadeOf, kExchange } from './exchange.js'
import { countBelow, misfit } from './response-body.js'

/** Node's own, which V8 compiles in place where it is called by this name. */
const nodeWriteHead = ServerResponse.prototype.writeHead

/**
 * `res.writeHead` of a governed response. Every head passes here, also the implicit ones of write() and end(): here, from the
 * newest facts, it is decided whether the connection persists, and nothing the application set overrules a close.
 */
export function writeHead(
  this: ServerResponse & Carrier,
  status: number,
  reason?: string | Headers | null,
  fields?: Headers | null,
): ServerResponse {
  const open = this[kExchange]
  const prototype: ServerResponse = Object.getPrototypeOf(open?.res ?? this)
  const prior = open?.own?.writeHead ?? prototype.writeHead
  const exchange = isMadeOf(open, this) ? undefined : ifOpen(open)
  // As Node takes it: '304' is one too. What is none, and an interim response, is left to Node.
  const code = status | 0
  if (exchange === undefined || exchange.headWritten || code < 200 || code > 999) {
    return Reflect.apply(prior, this, [status, reason, fields])
  }
  yieldMessage(exchange.connection.owner, this, prototype)
  if (exchange.account === 'whole' && exchange.length < 0) exchange.length = bodyLength(this) ?? -1
  const given = (typeof reason === 'string' ? fields : (fields ?? reason)) ?? undefined
  const said = whatWasSaid(this, given)
  if (said === NOTHING && code !== 204 && printsPromise(exchange)) {
    // From end() straight to Node: what is declared was compared there, or Node works it out.
    const isStraight = given === undefined && prior === nodeWriteHead && this.writeHead === writeHead
    callPrior(prior, this, status, reason, given)
    settle(exchange, undefined, isStraight)
    return this
  }
  if (said === NOTHING && code !== 204 && isAskedToClose(exchange)) {
    exchange.connection.promised = 0
    callPrior(prior, this, status, reason, given)
    settle(exchange, 'client-close')
    return this
  }
  const framing = frame(exchange, given, said, code)
  const ending = decide(exchange, framing.said)
  callPrior(prior, this, status, reason, announce(exchange, framing.said, framing.given, code, ending))
  settle(exchange, ending)
  return this
}

function callPrior(
  prior: ServerResponse['writeHead'],
  res: ServerResponse,
  status: number,
  reason: string | Headers | null | undefined,
  headers: Headers | undefined,
): void {
  if (typeof reason === 'string') Reflect.apply(prior, res, [status, reason, headers])
  else if (prior === nodeWriteHead) nodeWriteHead.call(res, status, headers)
  else prior.call(res, status, headers)
}

/**
 * The common case: nothing speaks against another request, nobody said anything of the connection, and Node prints what is promised by itself.
 * If so, that is promised. Asks nothing of the response, which under Express costs more than all of this.
 */
function printsPromise(exchange: Exchange): boolean {
  const { connection, res } = exchange
  const { owner, requests } = connection
  const { keepAlive } = owner.policy
  const { printable } = owner
  if (keepAlive === false || printable === undefined) return false
  const isTimeless = connection.isCommon || (connection.rare.expiresAt === Number.POSITIVE_INFINITY && !connection.excess)
  const steady = owner.phase === 'serving' && isTimeless
  const persists = !exchange.isSpecial || (exchange.facts.persists && !endsWithTrailers(exchange))
  if (!goesOn(keepAlive, persists, steady, connection.inputEnded, requests)) return false
  if (removedConnection(res)) return false
  connection.promised = printable
  if (printable !== exchange.printed || keepAlive.maxRequests !== false) print(res, keepAlive, printable, requests)
  return true
}

/** The other common case: the client asked for the close, which Node says by itself. */
function isAskedToClose({ facts, connection, res }: Exchange): boolean {
  return facts.askedClose && !facts.http10 && !connection.excess && !res.shouldKeepAlive && !removedConnection(res)
}

function print(res: ServerResponse, { maxRequests }: KeepAlivePolicy, promise: number, requests: number): void {
  setPrintedKeepAlive(res, promise, maxRequests === false ? 0 : maxRequests - requests)
}

/** Makes the head say what was decided. Returns the fields to write. */
function announce(
  { connection, res, facts }: Exchange,
  said: Said,
  given: Headers | undefined,
  status: number,
  ending: CloseReason | undefined,
): Headers | undefined {
  const { keepAlive } = connection.owner.policy
  const persists = ending === undefined
  if (res.shouldKeepAlive !== persists) res.shouldKeepAlive = persists
  if (facts.http10) prepareHttp10(res, status, ending)
  if (!persists || keepAlive === false) {
    connection.promised = 0
    return isSpokenFor(res, said) ? withConnection(res, given, said, 'close', '') : given
  }
  const promise = promiseFor(keepAlive, connection.owner.keepable())
  connection.promised = promise
  if (isSpokenFor(res, said) || needsExplicitField(keepAlive, promise)) {
    return withConnection(res, given, said, 'keep-alive', keepAliveField(keepAlive, promise, connection.requests))
  }
  print(res, keepAlive, promise, connection.requests)
  return given
}

/**
 * Takes out what contradicts the framing: a Content-Length beside a Transfer-Encoding (RFC 9112 §6.2), both in a 204 (RFC 9110 §8.6), and
 * Transfer-Encoding towards HTTP/1.0 (RFC 9112 §6.1).
 */
function frame(
  { res, facts }: Exchange,
  given: Headers | undefined,
  said: Said,
  status: number,
): { readonly given: Headers | undefined; readonly said: Said } {
  const coded = said.transferEncoding !== undefined
  const uncoded = coded && (status === 204 || facts.http10)
  if (uncoded && res.hasHeader('transfer-encoding')) res.removeHeader('Transfer-Encoding')
  let kept = uncoded ? without(given, 'transfer-encoding') : given
  if (status === 204 || (coded && !uncoded)) {
    if (res.hasHeader('content-length')) res.removeHeader('Content-Length')
    kept = without(kept, 'content-length')
  }
  return { given: kept, said: uncoded ? { ...said, transferEncoding: undefined } : said }
}

function decide(exchange: Exchange, said: Said): CloseReason | undefined {
  const { connection, req, res, facts } = exchange
  const { http10, parserPersists } = facts
  const { owner, requests, inputEnded } = connection
  const { keepAlive } = owner.policy
  return closeReason(
    keepAlive,
    {
      http10,
      parserPersists,
      askedClose: facts.askedClose || endsWithTrailers(exchange),
      askedKeepAlive: facts.askedKeepAlive,
      handlerCloses: (parserPersists && !res.shouldKeepAlive) || parseConnection(said.connection).close,
      refusesBody: refusesBody(res),
      unframed: said.transferEncoding !== undefined && !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(said.transferEncoding),
      faultyFraming: http10 && req.headers['transfer-encoding'] !== undefined,
      requests,
      expiresAt: connection.rare.expiresAt,
      excess: connection.excess,
      inputEnded: inputEnded && connection.rare.waiting === undefined && connection.socket.readableLength === 0,
      phase: owner.phaseFor(connection.openedAt),
      left: owner.left(),
      owesMore: owesMore(connection),
    },
    // The clock is read only where something depends on it.
    connection.rare.expiresAt === Number.POSITIVE_INFINITY ? 0 : performance.now(),
    Math.random,
  )
}

function owesMore({ owner, rare: { waiting } }: Connection): boolean {
  const first = waiting?.[0]
  return first !== undefined && owner.drain !== undefined && first.arrived < owner.drain.began
}

/** Whether Node's own Connection line would be wrong or missing. */
function isSpokenFor(res: ServerResponse, said: Said): boolean {
  return said.connection !== undefined || said.keepAlive || said.upgrade || removedConnection(res)
}

function needsExplicitField(keepAlive: KeepAlivePolicy, promise: number): boolean {
  return keepAlive.parameters !== '' || (promise === 0 && keepAlive.maxRequests !== false)
}

/**
 * HTTP/1.0 knows no chunked coding (RFC 9112 §6.1), so keep-alive needs a Content-Length; Node works one out for `end(body)`
 * only in HTTP/1.1, and never grants keep-alive to what has no body.
 */
function prepareHttp10(res: ServerResponse, status: number, ending: CloseReason | undefined): void {
  const bodyless = res.req.method === 'HEAD' || status === 204 || status === 304
  const known = bodyLength(res)
  if (ending === undefined && !bodyless && known !== null && !res.hasHeader('content-length'))
    res.setHeader('Content-Length', known)
  // With a body whose length nobody knows this stays false: the body then ends with the connection.
  res.useChunkedEncodingByDefault = ending === undefined && bodyless
}

/** After Node wrote the head: takes over what Node decided by itself, and notes what the body must keep to. */
function settle(exchange: Exchange, ending: CloseReason | undefined, isStraight = false): void {
  const { connection, res, account, length } = exchange
  exchange.headWritten = true
  const last = isLast(res)
  if (account === 'whole' && !last && ending === undefined && (isStraight || declaredLength(res) === length)) return
  if (ending !== undefined) connection.ending = ending
  let isOver = ending !== undefined
  if (res.chunkedEncoding === false && hasBody(res)) {
    const body = { declared: lengthOf(declaredLength(res)), written: 0, misfit: false }
    exchange.body = body
    if (body.declared < 0) {
      connection.owner.unframed.add(connection)
      if (!Object.hasOwn(connection.socket, 'end')) connection.socket.end = end
    }
    // Whoever had the last word on the fields has declared another length than the body has.
    if (length >= 0 && body.declared >= 0 && body.declared !== length) {
      isOver = true
      misfit(exchange, body, length)
      if (account === 'whole') countBelow(exchange)
    }
  }
  if (isOver) {
    connection.promised = 0
    if (!last) {
      announceClose(res)
      makeLast(res)
    }
    return
  }
  if (!last) return
  connection.promised = 0
  connection.ending = exchange.body !== undefined && exchange.body.declared < 0 ? 'unframed' : 'handler'
  announceClose(res)
}

function lengthOf(length: number | null): number {
  return length !== null && Number.isSafeInteger(length) && length >= 0 ? length : -1
}
