import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import { describe, HalfcloseTypeError } from '../errors/errors.js'

/** A request of `node:http` or `node:http2`, of Express, or of Fastify (which has that as `raw`), or a stream of HTTP/2. */
export type ClientRequest =
  | IncomingMessage
  | Http2ServerRequest
  | ServerHttp2Stream
  | { readonly raw: IncomingMessage | Http2ServerRequest }

/**
 * On a request: its controller. On a socket: the controller of its latest request. On a session: that its client has sent FIN. Also the event that
 * tells a stream so. It is in the global registry, since two copies of this package may be loaded.
 */
const GONE = Symbol.for('halfclose.clientGone')

/**
 * Aborted as soon as the client of a request has sent FIN or has reset its connection (HTTP/2: its stream): the client may be gone. It may also still
 * wait, since a client that only ends its output looks the same. So the request is still answered, within `halfClosed`, unless the handler ends it.
 * For work that is costly and worth nothing without a reader: the tokens of a language model, an event stream, a long query. Later calls for the same
 * request return the same signal. Once the answer is out the signal does not fire.
 *
 * A FIN is seen when what was sent before it has been read: not behind a body that the handler does not read, nor behind many pipelined requests.
 *
 * @throws `HALFCLOSE_NOT_A_REQUEST`
 */
export function clientGone(request: ClientRequest): AbortSignal {
  const carrier: object = isObject(request) && 'raw' in request && isObject(request.raw) ? request.raw : request
  if (!isObject(carrier) || !('socket' in carrier || 'session' in carrier)) {
    const message = `halfclose: clientGone() takes a request of a server, got ${describe(request)}`
    throw new HalfcloseTypeError('HALFCLOSE_NOT_A_REQUEST', message, { value: request })
  }
  const there = controllerOf(carrier)
  if (there !== undefined) return there.signal
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  keep(carrier, controller)
  const stream = streamOf(carrier)
  if (stream !== undefined) watchStream(stream, controller)
  else if ('socket' in carrier && carrier.socket instanceof Socket) watchSocket(carrier.socket, controller)
  return controller.signal
}

/** Tells a session and its streams that the client has sent FIN. */
export function tellGone(session: ServerHttp2Session, streams: Iterable<ServerHttp2Stream>): void {
  Reflect.set(session, GONE, true)
  for (const stream of streams) stream.emit(GONE)
}

/** Requests of one connection run one after another: the listeners of a socket serve the latest request. */
function watchSocket(socket: Socket, controller: AbortController): void {
  if (socket.readableEnded || socket.destroyed) controller.abort()
  const watched = controllerOf(socket) !== undefined
  keep(socket, controller)
  if (watched) return
  const gone = () => controllerOf(socket)?.abort()
  socket.once('end', gone).once('close', gone)
}

function watchStream(stream: ServerHttp2Stream, controller: AbortController): void {
  const gone = () => controller.abort()
  const { session } = stream
  if (stream.aborted || stream.destroyed || (session !== undefined && Reflect.get(session, GONE) === true)) gone()
  stream.once(GONE, gone).once('aborted', gone)
  stream.once('close', () => {
    if (stream.rstCode !== 0) gone()
  })
}

function streamOf(carrier: object): ServerHttp2Stream | undefined {
  if (isStream(carrier)) return carrier
  return 'stream' in carrier && isStream(carrier.stream) ? carrier.stream : undefined
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return isObject(value) && 'rstCode' in value && 'session' in value
}

function controllerOf(carrier: object): AbortController | undefined {
  const there: unknown = Reflect.get(carrier, GONE)
  return there instanceof AbortController ? there : undefined
}

function keep(carrier: object, controller: AbortController): void {
  Object.defineProperty(carrier, GONE, { value: controller, configurable: true, writable: true })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
