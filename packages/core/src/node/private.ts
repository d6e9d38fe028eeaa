import { AsyncResource } from 'node:async_hooks'
import { Buffer } from 'node:buffer'
import { writeSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Server, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { types } from 'node:util'

// Every private field of Node that is read or written, in this one place, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one.

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

/**
 * Undoes Node's own pause, made where a slow reader's responses pile up: over TLS it strikes the parser amid what has been decrypted, and
 * the rest fails with HPE_PAUSED. Reading is stopped by http1/pause-reading.ts instead.
 */
export function unpauseParser(socket: Socket): void {
  if ('_paused' in socket && socket._paused === true) {
    socket._paused = false
    socket.resume()
  }
}

/** Node's list of the parsers of one server. */
interface ParserList {
  all(): readonly { readonly socket: unknown }[]
  active(): readonly { readonly socket: unknown }[]
}

const LIST = 'http.server.connections'

/** The same on every server. */
let listKey: symbol | undefined

function parsersOf(server: object): ParserList | undefined {
  listKey ??= Object.getOwnPropertySymbols(server).find(({ description }) => description === LIST)
  const list: unknown = listKey === undefined ? undefined : Reflect.get(server, listKey)
  return isParserList(list) ? list : undefined
}

function isParserList(value: unknown): value is ParserList {
  return typeof value === 'object' && value !== null && 'active' in value && typeof value.active === 'function'
}

/** Whether Node knows which of a server's connections are amid a message: once it listens. */
export function knowsMessages(server: object): boolean {
  return parsersOf(server) !== undefined
}

/** The sockets that Node parses for a server, once it listens; Node has no public list of a server's connections. */
export function parsedSockets(server: object): readonly unknown[] {
  return (parsersOf(server)?.all() ?? []).map(({ socket }) => socket)
}

/** The response that a socket is being sent, of however many requests that have come: the one by which Node tells a busy connection from an idle one. */
export function openResponse(socket: object): unknown {
  return '_httpMessage' in socket ? (socket._httpMessage ?? undefined) : undefined
}

/** How many open connections a server has accepted. The public way, `getConnections()`, tells it in a later turn, and statistics are asked for in this one. */
export function acceptedBy(server: object): number {
  const accepted: unknown = Reflect.get(server, '_connections')
  return typeof accepted === 'number' ? accepted : 0
}

/** What a socket has that Node parses. Not by `Reflect.get`, which V8 does not compile in place. */
interface Parsed {
  readonly server?: unknown
  readonly parser?: { readonly socket?: unknown } | null
}

/**
 * Whether a socket's parser is another server's, or knows the socket as another object: whoever listens for connections may have handed it on. A list
 * holds all that came while there was one.
 */
export function isParsedElsewhere(server: object, socket: Socket & Parsed): boolean {
  return socket.server !== server || socket.parser?.socket !== socket
}

/**
 * The sockets on which a message has begun to arrive, and has not come as a whole; those that have never sent anything are among them. Only the parser
 * knows: of what comes in one piece the end of one request and the beginning of the next look alike in `bytesRead`, and so do an empty line and
 * half a head. Node's public closeIdleConnections() tells by destroying all the others, also those that are not ours.
 */
export function amidMessage(server: object): ReadonlySet<unknown> {
  return new Set(
    parsersOf(server)
      ?.active()
      .map(({ socket }) => socket),
  )
}

/**
 * Whether a parser has been given the beginning of a request that has not come as a whole. The list above cannot tell that of one that has had none yet, and bytes
 * cannot where the application has read some before it let Node parse the rest. Asked as Node asks at the client's FIN: `finish()` returns an error
 * amid a message, and does nothing else. `undefined`: the socket has no parser.
 */
export function hasBegun(socket: Socket & { readonly parser?: unknown }): boolean | undefined {
  const { parser } = socket
  if (typeof parser !== 'object' || parser === null || !('finish' in parser) || typeof parser.finish !== 'function')
    return undefined
  return types.isNativeError(Reflect.apply(parser.finish, parser, []))
}

/** A parser, with the piece of input that it is at: empty between two. */
interface Parser {
  getCurrentBuffer(): Uint8Array
}

function isParser(value: unknown): value is Parser {
  return (
    typeof value === 'object' && value !== null && 'getCurrentBuffer' in value && typeof value.getCurrentBuffer === 'function'
  )
}

/**
 * Whether a request whose head has just been parsed is the whole of what has been read: its first and its last byte are those of that piece of input. What
 * else is in there nothing public tells.
 */
export function endsItsRead({ socket, method, url, headers }: IncomingMessage): boolean {
  const parser: unknown = 'parser' in socket ? socket.parser : undefined
  if (!isParser(parser) || headers['transfer-encoding'] !== undefined) return false
  const input = Buffer.from(parser.getCurrentBuffer()).toString('latin1')
  const body = input.indexOf('\r\n\r\n') + 4
  return input.startsWith(`${method} ${url} HTTP/`) && body + Number(headers['content-length'] ?? 0) === input.length
}

/**
 * Takes the bytes of a connection away from Node's HTTP parser: from now on `onData` gets them raw. Node lets go of the socket's
 * handle when a data listener is added (public), but on Node 20 reading must then be started again on the handle.
 */
export function readRaw(socket: Socket, onData: (chunk: Buffer) => void): void {
  socket.removeAllListeners('data')
  socket.on('data', onData)
  socket.resume()
  readOn(socket)
}

/**
 * Lets a socket read from the kernel, also where its stream would not ask for more. net.Socket#_read starts the handle where it is stopped, and does
 * nothing where it runs.
 */
export function readOn(socket: Socket): void {
  if (!socket.destroyed) socket._read(0)
}

function hasListenHandle(server: Server): server is Server & { _handle: { listen(backlog: number): number } } {
  const handle: unknown = Reflect.get(server, '_handle')
  return typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'listen') === 'function'
}

/**
 * Shrinks the listener's backlog to nothing, so that as few finished handshakes as possible stand in the accept queue when it
 * closes: the kernel resets those. listen() on a listening socket only changes its backlog (POSIX); Node does not expose it.
 */
export function shrinkBacklog(server: Server): void {
  if (hasListenHandle(server)) server._handle.listen(0)
}

/**
 * The settings that an http2 server was made with, or given since. Without a limit Node advertises none (RFC 9113 §5.1.2), but
 * `updateSettings` would overrule one that the application chose, and nothing public tells whether it did.
 */
export function settingsOf(server: object): object | undefined {
  const options = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'options')
  const value: unknown = options === undefined ? undefined : Reflect.get(server, options)
  if (typeof value !== 'object' || value === null || !('settings' in value)) return undefined
  return typeof value.settings === 'object' && value.settings !== null ? value.settings : undefined
}

/**
 * What a TLS socket encrypts to: a socket or any other stream. Nothing public tells. Not by addresses: fronts override those of the raw socket, and a
 * unix domain socket has none. `undefined`: it is no TLS socket, or is closed already.
 */
export function belowTls(socket: Socket): Duplex | undefined {
  if (!('encrypted' in socket)) return undefined
  const parent: unknown = Reflect.get(socket, '_parent')
  if (parent instanceof Socket) return parent
  // A stream without a handle is wrapped in a socket of Node's.
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null) return undefined
  const wrap: unknown = Reflect.get(handle, '_parentWrap')
  const stream: unknown = wrap instanceof Socket ? Reflect.get(wrap, 'stream') : undefined
  return stream instanceof Duplex ? stream : undefined
}

/** The TCP socket (or pipe) below TLS, also where TLS runs within TLS. `undefined`: there is no TLS, or it runs over some other stream. */
export function rawBelowTls(socket: Socket): Socket | undefined {
  let raw: Socket | undefined
  for (let below = belowTls(socket); below !== undefined; below = belowTls(raw)) {
    if (!(below instanceof Socket)) return undefined
    raw = below
  }
  return raw
}

/** Whether `resetAndDestroy()` can reset it, which throws for whatever is not TCP (a pipe, TLS, a wrapped stream), and nothing public tells before. */
export function canReset(socket: Socket): boolean {
  const handle: unknown = Reflect.get(socket, '_handle')
  return typeof handle === 'object' && handle !== null && 'reset' in handle
}

/**
 * Bytes that the kernel has taken of what was written to a connection (`raw`: below TLS): while they grow, the peer takes what it is sent.
 * `bytesWritten` counts a write as a whole when it begins, and `writableLength` until it has ended: of one that takes minutes, nothing public
 * tells how far it is.
 */
export function bytesTaken({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): number {
  const handle: unknown = Reflect.get(raw ?? socket, '_handle')
  if (typeof handle === 'object' && handle !== null && 'bytesWritten' in handle && 'writeQueueSize' in handle) {
    const { bytesWritten, writeQueueSize } = handle
    if (typeof bytesWritten === 'number' && typeof writeQueueSize === 'number') return bytesWritten - writeQueueSize
  }
  return socket.bytesWritten - socket.writableLength
}

/**
 * Bytes of a connection that are written and not with the kernel: those that libuv has, and over TLS those that are encrypted and wait for it. An HTTP/2
 * session writes to the handle, past the socket, whose `writableLength` knows nothing of them.
 */
export function bytesQueued({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): number {
  let queued = 0
  for (const one of raw === undefined ? [socket] : [socket, raw]) {
    const handle: unknown = Reflect.get(one, '_handle')
    if (typeof handle !== 'object' || handle === null) continue
    const size: unknown = Reflect.get(handle, 'writeQueueSize')
    if (typeof size === 'number') queued += size
  }
  return queued
}

/**
 * Writes a few bytes to a TCP socket whose handle an HTTP/2 session has taken over: into the kernel, and only while nothing of the session's is
 * queued, so that they come between two of its writes, which are whole frames. Not by `socket.write`: where that does not end at once, its end is
 * told to the session, and Node aborts. `'none'`: the socket is busy, or has no descriptor (Windows).
 */
export function writeBeside(socket: Socket, bytes: Uint8Array): 'all' | 'some' | 'none' {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle) || !('writeQueueSize' in handle)) return 'none'
  const { fd, writeQueueSize } = handle
  if (typeof fd !== 'number' || fd < 0 || writeQueueSize !== 0) return 'none'
  try {
    return writeSync(fd, bytes) === bytes.length ? 'all' : 'some'
  } catch {
    // The kernel's buffer is full, or the connection has gone.
    return 'none'
  }
}

/** The descriptor of a socket: nothing public tells by which one the kernel knows it. `undefined`: it has none (closed, or Windows). */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}

/** Whether the kernel no longer has a TCP connection: a write of nothing sends nothing, and fails there. True where nobody can ask (Windows). */
export function isGone(socket: Socket): boolean {
  const fd = descriptorOf(socket)
  if (fd === undefined) return true
  try {
    writeSync(fd, NOTHING)
    return false
  } catch {
    return true
  }
}

const NOTHING = new Uint8Array(0)

/** Whether `resetAndDestroy()` is what ends a socket: it calls `destroy()`, which cannot tell. */
export function isResetting(socket: Socket): boolean {
  return 'resetAndClosing' in socket && socket.resetAndClosing === true
}

/**
 * An object of the same shape as those of `process.nextTick`, as far as it can be made outside (Node 22 and later have one more symbol in
 * it); undefined: it has other symbols. The two symbols are also on every AsyncResource. executionAsyncResource() would return one itself, and make Node
 * call each callback through one more function from then on.
 */
export function tickLike(): object | undefined {
  const resource = new AsyncResource('HALFCLOSE_TICK', { requireManualDestroy: true })
  const symbols = Object.getOwnPropertySymbols(resource)
  resource.emitDestroy()
  const [id, trigger] = ['async_id_symbol', 'trigger_async_id_symbol'].map((name) =>
    symbols.find(({ description }) => description === name),
  )
  if (id === undefined || trigger === undefined) return undefined
  // Fractions: Node's own are numbers that V8 does not keep as integers, and it gives up the shape where it finds a number that does not fit it.
  return { [id]: 0.5, [trigger]: 0.5, callback: tickLike, args: undefined }
}

/**
 * Servers of this thread that listen, among other things that are open; one that has just closed may be there still. For an application that is governed only after it began to: no public way leads from it to them. In a
 * cluster's worker the primary listens, and nothing is found.
 */
export function listeningServers(): unknown[] {
  const handles: unknown = Reflect.get(process, '_getActiveHandles')
  const found: unknown = typeof handles === 'function' ? Reflect.apply(handles, process, []) : undefined
  return Array.isArray(found) ? found : []
}
