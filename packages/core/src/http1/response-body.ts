// The global `Buffer` is a getter.
import { Buffer } from 'node:buffer'
import { ServerResponse } from 'node:http'
import { types } from 'node:util'
import { printable } from '../events/printable.js'
import { pathOf } from '../http/request-path.js'
import type { Prior } from '../node/patched-methods.js'
import { forgetBodyLength, makeLast, watchPieces } from '../node/response-fields.js'
import type { Body, Exchange } from './connection.js'
import { type Carrier, ifOpen, isIncomplete, isMadeOf, kExchange, prototypeOf } from './exchange.js'
import { recordClose } from './record-close.js'

// The body of a response: `res.write` and `res.end` keep it to its Content-Length.

type Callback = (error?: Error | null) => void
type Chunk = string | Uint8Array
/** Node's own methods. */
const nodeEnd: Prior<ServerResponse> = Reflect.get<object, string>(ServerResponse.prototype, 'end')
const nodeWrite: Prior<boolean> = Reflect.get<object, string>(ServerResponse.prototype, 'write')

/**
 * `res.write` of a governed response. Bytes beyond the declared Content-Length are not written: the client would read them as the beginning of the
 * next response (RFC 9112 §6.3). The application gets no error.
 */
export function write(
  this: ServerResponse & Carrier,
  chunk: unknown,
  encoding?: BufferEncoding | Callback,
  callback?: Callback,
): boolean {
  const open = this[kExchange]
  const prototype = prototypeOf(open, this)
  const prior = open?.patched?.write ?? prototype.write
  const exchange = isMadeOf(open, this) ? undefined : ifOpen(open)
  if (exchange === undefined || exchange.ended || !isChunk(chunk)) return prior.call(this, chunk, encoding, callback)
  const bytes = decoded(chunk, encoding)
  if (isCountedBelow(exchange, prior === nodeWrite)) return prior.call(this, bytes, encoding, callback)
  if (!exchange.headWritten) {
    exchange.account = 'here'
    writeMisfitHead(exchange, bytes, encoding, false)
  }
  return prior.call(this, fit(exchange, bytes, encoding), encoding, callback)
}

/** `res.end` of a governed response: like {@link write}. A body that is shorter than its Content-Length ends the connection. */
export function end(
  this: ServerResponse & Carrier,
  chunk?: unknown,
  encoding?: BufferEncoding | Callback,
  callback?: Callback,
): ServerResponse {
  const open = this[kExchange]
  const prototype = prototypeOf(open, this)
  const prior = open?.patched?.end ?? prototype.end
  const exchange = isMadeOf(open, this) ? undefined : ifOpen(open)
  if (exchange === undefined || exchange.ended) return prior.call(this, chunk, encoding, callback)
  const bytes = decoded(chunk, encoding)
  const isBelow = isCountedBelow(exchange, prior === nodeEnd)
  if (!isBelow && !exchange.headWritten) {
    writeMisfitHead(exchange, bytes, encoding, true)
    if (!exchange.headWritten) exchange.account = 'whole'
  }
  const kept = isBelow ? bytes : fit(exchange, bytes, encoding)
  const { body, req } = exchange
  if (!isBelow && body !== undefined && body.written < body.declared && !this.writableEnded) misfit(exchange, body)
  // Asked before Node discards the rest of the body: an application that is reading it now goes on reading after the answer.
  exchange.bodyTaken = isIncomplete(exchange) && (req.readableFlowing === true || req.listenerCount('readable') > 0)
  const { owner } = exchange.connection
  if (owner.keepsAlive?.keepAliveTimeout !== owner.shownTimeout) owner.follow()
  let ended: ServerResponse
  try {
    ended = prior.call(this, kept, encoding, callback)
  } catch (error) {
    // Node has refused the body: the application may send another one.
    if (exchange.account === 'whole') exchange.account = 'here'
    exchange.length = -1
    // For HTTP/1.0 the field is ours (response-head.ts).
    if (!this.headersSent) forgetBodyLength(this, exchange.facts.http10)
    throw error
  }
  exchange.ended = true
  return ended
}

/**
 * Writes the head first, if the application set a Content-Length and this is not the whole body, or not of that length: then the declared length is
 * known. (Not by flushHeaders: the head and the first piece belong in one segment.)
 */
function writeMisfitHead(exchange: Exchange, chunk: unknown, encoding: unknown, last: boolean): void {
  const { res } = exchange
  const declared = res.getHeader('content-length')
  if (declared === undefined) return
  if (last) {
    exchange.length = isChunk(chunk) ? sizeOf(chunk, encoding) : 0
    // Compared first: under a framework that changes the prototype of responses (Express), headersSent costs as much as all else here.
    if (Number(declared) === exchange.length) return
  }
  if (!res.headersSent && !isRefused(chunk)) res.writeHead(res.statusCode)
}

/** Whether Node refuses such a piece. */
function isRefused(chunk: unknown): boolean {
  return Boolean(chunk) && !isChunk(chunk) && typeof chunk !== 'function'
}

/**
 * Whether the body is counted where Node takes it. If write() or end() is not Node's own, other code may pass the body on in more pieces, or changed.
 */
function isCountedBelow(exchange: Exchange, isNodes: boolean): boolean {
  if (exchange.account === 'below') return true
  return !isNodes && countBelow(exchange)
}

/** Counts the body where Node takes it from here on. Returns whether that is possible. */
export function countBelow(exchange: Exchange): boolean {
  if (!watchPieces(exchange.res, (chunk, encoding) => (ifOpen(exchange) === undefined ? chunk : fit(exchange, chunk, encoding))))
    return false
  exchange.account = 'below'
  return true
}

/** Checks a body that was counted where Node takes it, when it has ended: no earlier place knows its end. */
export function endBelow(exchange: Exchange): void {
  const { account, body } = exchange
  if (account === 'below' && body !== undefined && body.written < body.declared) misfit(exchange, body)
}

/** The part of `chunk` for which the declared length has room. */
function fit(exchange: Exchange, chunk: unknown, encoding: unknown): unknown {
  const { body } = exchange
  if (body === undefined || body.declared < 0 || !isChunk(chunk)) return chunk
  const room = Math.max(body.declared - body.written, 0)
  const size = sizeOf(chunk, encoding)
  body.written += size
  if (size <= room) return chunk
  misfit(exchange, body)
  return bytesOf(chunk, encoding).subarray(0, room)
}

/**
 * The body does not have its declared length. The connection cannot be used again, whatever its head said (RFC 9112 §6.3); the client sees the cut by
 * the framing.
 */
export function misfit(exchange: Exchange, body: Body, length = body.written): void {
  const { connection } = exchange
  // The client does not get the rest, although the application has ended its answer.
  const record = length < body.declared ? recordClose(connection) : undefined
  if (record !== undefined) record.request = 'sending'
  connection.ending = 'content-length'
  if (!body.misfit) {
    body.misfit = true
    const { req } = exchange
    connection.owner.events.warn({
      code: 'HALFCLOSE_CONTENT_LENGTH',
      message: `halfclose: the response to ${printable(`${req.method} ${pathOf(req)}`)} is ${length > body.declared ? 'longer' : 'shorter'} than its Content-Length; its connection is closed`,
    })
  }
  makeLast(exchange.res)
}

function isChunk(chunk: unknown): chunk is Chunk {
  return typeof chunk === 'string' || types.isUint8Array(chunk)
}

/**
 * Turns an encoded string into bytes. Node computes their number from the length of the text, and is wrong if the text has line breaks or is not of
 * that encoding: the client would read the next response as the rest of this one.
 */
function decoded(chunk: unknown, encoding: unknown): unknown {
  if (typeof encoding !== 'string' || encoding === 'utf8' || typeof chunk !== 'string' || !DECODED.test(encoding)) return chunk
  return bytesOf(chunk, encoding)
}

const DECODED = /^(?:base64(?:url)?|hex)$/i

function sizeOf(chunk: Chunk, encoding: unknown): number {
  if (typeof chunk !== 'string') return chunk.byteLength
  return isEncoding(encoding) ? Buffer.byteLength(chunk, encoding) : Buffer.byteLength(chunk)
}

function bytesOf(chunk: Chunk, encoding: unknown): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, isEncoding(encoding) ? encoding : 'utf8') : chunk
}

function isEncoding(encoding: unknown): encoding is BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding)
}
