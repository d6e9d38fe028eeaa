import type { ServerResponse } from 'node:http'

// Private fields of Node's ServerResponse, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one of these fields.

interface PrivateResponse {
  /** What Node prints as `timeout=` (milliseconds) and `max=`. A setHeader in front of a writeHead with an object costs 20 % of a request. */
  _keepAliveTimeout: number
  _maxRequestsPerSocket: number
  /** Whether Node closes after this response: the only place where its own reasons (framing, 417, refused 100-continue) show. */
  _last: boolean
  /** The head as it will be sent: where Node closes without saying so (its framing needs it), the field is put right here. */
  _header: string | null
  /** False for HEAD, 1xx, 204 and 304: what is written is ignored, so its length does not matter. */
  _hasBody: boolean
  /** The Content-Length that was declared, or the one that Node worked out for a body passed to end(); which then does not count where the field was taken out. */
  _contentLength: number | null
  _removedContLen: boolean
  /** The request expects 100-continue; whether that was sent. A final answer without it leaves open whether the body follows. */
  _expect_continue: boolean
  _sent100: boolean
  /** removeHeader was called for it: Node then announces nothing at all. */
  _removedConnection: boolean
}

/** Asked of the first response only: they are all alike, and it is asked ten times a request. */
let areThere: boolean | undefined

function isPrivateResponse(res: ServerResponse): res is ServerResponse & PrivateResponse {
  areThere ??= '_last' in res && '_header' in res && '_hasBody' in res
  // Not by its truth: see http1/exchange.ts.
  return areThere === true
}

/** Lets Node print `Keep-Alive: timeout=…, max=…` by itself. `max` 0: not printed. */
export function setPrintedKeepAlive(res: ServerResponse, promise: number, max: number): void {
  if (!isPrivateResponse(res)) return
  if (res._keepAliveTimeout !== promise) res._keepAliveTimeout = promise
  if (max !== 0 || res._maxRequestsPerSocket !== 0) res._maxRequestsPerSocket = max
}

/** What the server's `keepAliveTimeout` was when the response was begun, in milliseconds: Node prints whole seconds of it as `timeout=`. */
export function timeoutSetting(res: ServerResponse): number {
  return isPrivateResponse(res) ? res._keepAliveTimeout : 0
}

/** Whether Node will close after this response. */
export function isLast(res: ServerResponse): boolean {
  return isPrivateResponse(res) && res._last
}

/** Makes Node close after this response although its head said otherwise: its body turned out not to fit. */
export function makeLast(res: ServerResponse): void {
  if (isPrivateResponse(res)) res._last = true
}

/** Whether the response has a body at all. Valid once the head is written. */
export function hasBody(res: ServerResponse): boolean {
  return !isPrivateResponse(res) || res._hasBody
}

/** The length of the body while `end(body)` is writing the head; `null` at any other time before the head. */
export function bodyLength(res: ServerResponse): number | null {
  return isPrivateResponse(res) ? res._contentLength : null
}

/** The length that the head declares, once that is written. */
export function declaredLength(res: ServerResponse): number | null {
  return isPrivateResponse(res) && !res._removedContLen ? res._contentLength : null
}

/** Whether the application removed the Connection field, so that Node would announce nothing. */
export function removedConnection(res: ServerResponse): boolean {
  return isPrivateResponse(res) && res._removedConnection
}

/** Whether the request's body was refused by answering without 100 Continue (RFC 9110 §10.1.1). */
export function refusesBody(res: ServerResponse): boolean {
  return isPrivateResponse(res) && res._expect_continue && !res._sent100
}

/** Rewrites a head that Node wrote but has not sent. */
export function rewriteHead(res: ServerResponse, rewrite: (head: string) => string): void {
  if (isPrivateResponse(res) && res._header !== null) res._header = rewrite(res._header)
}

interface Sends {
  _send(data: unknown, encoding: unknown, callback: unknown, length?: number): boolean
}

/**
 * Shows each piece of a body to `keep` where Node sends it, behind all that may stand between the application and Node; what that returns is sent. Not by
 * `write` and `end`: a subclass calls those of Node past everybody, or those of the response out of its own. Whether it can be done.
 */
export function watchPieces(res: ServerResponse, keep: (chunk: unknown, encoding: unknown) => unknown): boolean {
  const prior: unknown = Reflect.get(res, '_send')
  if (typeof prior !== 'function') return false
  const sends: Sends = {
    _send(data, encoding, callback, length) {
      const kept = keep(data, encoding)
      return Reflect.apply(prior, res, [kept, encoding, callback, kept === data ? length : undefined])
    },
  }
  Object.assign(res, sends)
  return true
}

/** The response that a socket is being sent, of however many requests that have come: the one by which Node tells a busy connection from an idle one. */
export function openResponse(socket: object): unknown {
  return '_httpMessage' in socket ? (socket._httpMessage ?? undefined) : undefined
}
