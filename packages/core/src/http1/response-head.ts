import { ServerResponse } from 'node:http'
import type { CloseReason } from '../events/types.js'
import { bodyLength, declaredLength, hasBody, isLast, makeLast } from '../node/response-fields.js'
import { yieldMessage } from '../node/v8-status-message.js'
import type { Exchange } from './connection.js'
import { announceClose, type Headers, NOTHING, type Said, whatWasSaid, without } from './connection-header.js'
import { type Carrier, ifOpen, isMadeOf, kExchange, prototypeOf } from './exchange.js'
import { announce, printsPromise } from './keep-alive-header.js'
import { decide, isAskedToClose } from './persist-or-close.js'
import { countBelow, misfit } from './response-body.js'

// The head of a response: `res.writeHead` decides whether the connection persists, and keeps the framing right.

/** Node's own method. */
const nodeWriteHead = ServerResponse.prototype.writeHead

/**
 * `res.writeHead` of a governed response. Every head passes here, also the implicit ones of write() and end(). Here the newest facts decide whether
 * the connection persists, and no field of the application overrules a close.
 */
export function writeHead(
  this: ServerResponse & Carrier,
  status: number,
  reason?: string | Headers | null,
  fields?: Headers | null,
): ServerResponse {
  const open = this[kExchange]
  const prototype = prototypeOf(open, this)
  const prior = open?.patched?.writeHead ?? prototype.writeHead
  const exchange = isMadeOf(open, this) ? undefined : ifOpen(open)
  // The status as Node reads it: '304' is one, too. An invalid status and an interim response are left to Node.
  const code = status | 0
  if (exchange === undefined || exchange.headWritten || code < 200 || code > 999) {
    Reflect.apply(prior, this, [status, reason, fields])
    // The client would take the next response for the final one.
    if (exchange?.headWritten === false) makeLast(this)
    return this
  }
  yieldMessage(exchange.connection.owner, this, prototype)
  if (exchange.account === 'whole' && exchange.length < 0) exchange.length = bodyLength(this) ?? -1
  const given = (typeof reason === 'string' ? fields : (fields ?? reason)) ?? undefined
  const said = whatWasSaid(this, given)
  if (said === NOTHING && code !== 204 && printsPromise(exchange)) {
    // The head comes from end() and goes straight to Node: the length was compared there, or Node computes it.
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
  const { res, facts } = exchange
  const persists = ending === undefined
  if (res.shouldKeepAlive !== persists) res.shouldKeepAlive = persists
  if (facts.http10) prepareHttp10(res, code, ending)
  callPrior(prior, this, status, reason, announce(exchange, framing.said, framing.given, persists))
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
  else prior.call(res, status, headers)
}

/**
 * Removes what contradicts the framing: a Content-Length beside a Transfer-Encoding (RFC 9112 §6.2), both in a 204 (RFC 9110 §8.6), and
 * Transfer-Encoding for an HTTP/1.0 client (RFC 9112 §6.1).
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

/**
 * HTTP/1.0 has no chunked coding (RFC 9112 §6.1), so keep-alive needs a Content-Length. Node computes one for `end(body)` only in HTTP/1.1, and never
 * grants keep-alive to a response without a body.
 */
function prepareHttp10(res: ServerResponse, status: number, ending: CloseReason | undefined): void {
  const bodyless = res.req.method === 'HEAD' || status === 204 || status === 304
  const known = bodyLength(res)
  if (ending === undefined && !bodyless && known !== null && !res.hasHeader('content-length'))
    res.setHeader('Content-Length', known)
  // This stays false for a body of unknown length: the body then ends with the connection.
  res.useChunkedEncodingByDefault = ending === undefined && bodyless
}

/** Runs after Node wrote the head: adopts what Node decided itself, and bounds the body. */
function settle(exchange: Exchange, ending: CloseReason | undefined, isStraight = false): void {
  const { connection, res, account, length } = exchange
  exchange.headWritten = true
  const last = isLast(res)
  if (account === 'whole' && !last && ending === undefined && (isStraight || declaredLength(res) === length)) return
  if (ending !== undefined) connection.ending = ending
  const fits = res.chunkedEncoding || boundBody(exchange)
  if (ending !== undefined || !fits) {
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

/** Notes the length that a body must keep to which is not chunked. Returns false for a body that is known to have another length. */
function boundBody(exchange: Exchange): boolean {
  const { connection, res, account, length } = exchange
  if (!hasBody(res)) return true
  const body = { declared: lengthOf(declaredLength(res)), written: 0, misfit: false }
  exchange.body = body
  if (body.declared < 0) {
    connection.owner.closeDelimited.add(connection)
    // The field holds no length, and Node has written it all the same.
    if (!isLast(res)) connection.ending ??= 'unframed'
    return isLast(res)
  }
  if (length < 0 || body.declared === length) return true
  // Code that changed the fields last has declared another length than the body has.
  misfit(exchange, body, length)
  if (account === 'whole') countBelow(exchange)
  return false
}

function lengthOf(length: number | null): number {
  return length !== null && Number.isSafeInteger(length) && length >= 0 ? length : -1
}
