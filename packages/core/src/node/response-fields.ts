import type { ServerResponse } from 'node:http'

// Private fields of Node's ServerResponse, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one of these fields.

interface PrivateResponse {
  /**
   * The milliseconds that Node prints as `timeout=`, and its `max=`. Calling setHeader before a writeHead with an object would cost 20 % of a
   * request.
   */
  _keepAliveTimeout: number
  _maxRequestsPerSocket: number
  /** Whether Node closes after this response: the only place where Node's own reasons (framing, 417, a refused 100-continue) show. */
  _last: boolean
  /** The head that will be sent. Where Node closes without announcing it, because of the framing, the Connection field is corrected here. */
  _header: string | null
  /** False for HEAD, 1xx, 204 and 304: Node ignores what is written, so its length does not matter. */
  _hasBody: boolean
  /**
   * The Content-Length that was declared, or that Node computed for a body passed to end(). The computed one does not count where the application
   * removed the field.
   */
  _contentLength: number | null
  _removedContLen: boolean
  /**
   * Whether the request expects 100-continue, and whether that was sent. Behind a final answer without it, the client may or may not send the body.
   */
  _expect_continue: boolean
  _sent100: boolean
  /** The application called removeHeader for it: Node then announces nothing at all. */
  _removedConnection: boolean
}

/** The response, with those of the fields that this Node has. */
type Response = ServerResponse & Partial<PrivateResponse>

/** Lets Node print `Keep-Alive: timeout=…, max=…` itself. `max` 0: it is not printed. */
export function setPrintedKeepAlive(res: Response, promise: number, max: number): void {
  if (res._keepAliveTimeout !== promise) res._keepAliveTimeout = promise
  if (max !== 0 || res._maxRequestsPerSocket !== 0) res._maxRequestsPerSocket = max
}

/** The server's `keepAliveTimeout` at the time when the response began, in milliseconds. Node prints it as `timeout=`, in whole seconds. */
export function timeoutSetting(res: Response): number {
  return res._keepAliveTimeout ?? 0
}

/** Whether Node will close after this response. */
export function isLast(res: Response): boolean {
  return res._last === true
}

/** Makes Node close after this response although its head announced otherwise. */
export function makeLast(res: Response): void {
  res._last = true
}

/** Whether the response has a body. Valid once the head is written. */
export function hasBody(res: Response): boolean {
  return res._hasBody !== false
}

/** The length of the body while `end(body)` is writing the head; `null` at any other time before the head. */
export function bodyLength(res: Response): number | null {
  return res._contentLength ?? null
}

/** Forgets the length of a body that Node has refused: it would declare it for the next one. `field`: also in the field, unless the application set another. */
export function forgetBodyLength(res: Response, field: boolean): void {
  const { _removedContLen: removed = false } = res
  if (field && res.getHeader('content-length') === res._contentLength) res.removeHeader('Content-Length')
  res._removedContLen = removed
  res._contentLength = null
}

/** The length that the head declares, once the head is written. */
export function declaredLength(res: Response): number | null {
  return res._removedContLen === true ? null : (res._contentLength ?? null)
}

/** Whether the application removed the Connection field, so that Node would announce nothing. */
export function removedConnection(res: Response): boolean {
  return res._removedConnection === true
}

/** Whether the request's body was refused: the final answer was sent without 100 Continue (RFC 9110 §10.1.1). */
export function refusesBody(res: Response): boolean {
  return res._expect_continue === true && res._sent100 !== true
}

/** Rewrites a head that Node wrote but has not sent. */
export function rewriteHead(res: Response, rewrite: (head: string) => string): void {
  if (typeof res._header === 'string') res._header = rewrite(res._header)
}

interface Sends {
  _send(data: unknown, encoding: unknown, callback: unknown, length?: number): boolean
}

/**
 * Shows `keep` each piece of a body at the point where Node sends it, below all wrappers of the application; Node sends what `keep` returns.
 * Replacing `write` and `end` would not do: a subclass may call Node's directly, or call the response's own from within its own. Returns whether it
 * was possible.
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

/** The response that a socket is sending, however many requests have arrived. By this field Node tells a busy connection from an idle one. */
export function openResponse(socket: object): unknown {
  return '_httpMessage' in socket ? (socket._httpMessage ?? undefined) : undefined
}
