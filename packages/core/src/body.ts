import type { IncomingMessage, ServerResponse } from 'node:http'
import { types } from 'node:util'
import { type Connection, connectionOf, type Exchange } from './connection.js'
import { hasBody, makeLast } from './node-private.js'

type Callback = (error?: Error | null) => void
type Chunk = string | Uint8Array

/**
 * `res.write` of a governed response: bytes over the declared Content-Length are not written, since the client would read them
 * as the beginning of the next response (RFC 9112 §6.3). Nothing is thrown into the application.
 */
export function write(this: ServerResponse, chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
  const connection = connectionOf(this.req.socket)
  const exchange = connection?.current
  const prior: ServerResponse['write'] = Object.getPrototypeOf(this).write
  if (connection === undefined || exchange?.res !== this || !isChunk(chunk)) {
    return Reflect.apply(prior, this, [chunk, encoding, callback])
  }
  if (!this.headersSent) writeMisfitHead(this, exchange, chunk, encoding, false)
  return Reflect.apply(prior, this, [fit(connection, exchange, chunk, encoding), encoding, callback])
}

/** `res.end` of a governed response: as {@link write}; and a body that ends short of its Content-Length ends the connection. */
export function end(
  this: ServerResponse,
  chunk?: unknown,
  encoding?: BufferEncoding | Callback,
  callback?: Callback,
): ServerResponse {
  const connection = connectionOf(this.req.socket)
  const exchange = connection?.current
  const prior: ServerResponse['end'] = Object.getPrototypeOf(this).end
  if (connection === undefined || exchange?.res !== this || this.writableEnded) {
    return Reflect.apply(prior, this, [chunk, encoding, callback])
  }
  if (!this.headersSent) writeMisfitHead(this, exchange, chunk, encoding, true)
  const kept = fit(connection, exchange, chunk, encoding)
  if (this.headersSent && exchange.written < exchange.declared) misfit(connection, exchange, 'shorter')
  const { req } = exchange
  // Looked at before Node reads the rest of the body away: whoever reads it now goes on reading it after the answer.
  exchange.bodyTaken = !req.complete && expectsBody(req) && (req.readableFlowing === true || req.listenerCount('readable') > 0)
  return Reflect.apply(prior, this, [kept, encoding, callback])
}

/**
 * Where the application set a Content-Length and this is not all of the body, or does not fill it exactly, the head goes before it,
 * so that what it declares is known. (Not flushHeaders: head and first piece belong in one segment.)
 */
function writeMisfitHead(res: ServerResponse, exchange: Exchange, chunk: unknown, encoding: unknown, last: boolean): void {
  const declared = res.getHeader('content-length')
  if (declared === undefined || (last && Number(declared) === (isChunk(chunk) ? sizeOf(chunk, encoding) : 0))) return
  exchange.wrongLength = last && hasBody(res) && res.statusCode !== 204 && res.statusCode !== 304
  res.writeHead(res.statusCode)
}

/** What of `chunk` the declared length has room for. */
function fit(connection: Connection, exchange: Exchange, chunk: unknown, encoding: unknown): unknown {
  if (exchange.declared < 0 || !isChunk(chunk)) return chunk
  const room = Math.max(exchange.declared - exchange.written, 0)
  const size = sizeOf(chunk, encoding)
  exchange.written += size
  if (size <= room) return chunk
  misfit(connection, exchange, 'longer')
  return bytesOf(chunk, encoding).subarray(0, room)
}

/** The connection cannot be used again, whatever its head said (RFC 9112 §6.3); the client sees the cut by the framing. */
function misfit(connection: Connection, exchange: Exchange, how: 'longer' | 'shorter'): void {
  connection.ending = 'content-length'
  if (!exchange.misfit) {
    exchange.misfit = true
    const { method = '', url = '' } = exchange.req
    connection.site.events.warn({
      code: 'HALFCLOSE_CONTENT_LENGTH',
      message: `halfclose: the response to ${method} ${url.split('?')[0]} is ${how} than its Content-Length; its connection is closed`,
    })
  }
  makeLast(exchange.res)
}

function expectsBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

function isChunk(chunk: unknown): chunk is Chunk {
  return typeof chunk === 'string' || types.isUint8Array(chunk)
}

function sizeOf(chunk: Chunk, encoding: unknown): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, isEncoding(encoding) ? encoding : 'utf8') : chunk.byteLength
}

function bytesOf(chunk: Chunk, encoding: unknown): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, isEncoding(encoding) ? encoding : 'utf8') : chunk
}

function isEncoding(encoding: unknown): encoding is BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding)
}
