import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { types } from 'node:util'

// All that is asked of Node's HTTP parser, and how its input is stopped or taken away: by private fields, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one of these fields.

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

/** What the parsers of each server have said, while somebody asks for many connections: for as long as one call lasts, so that a second copy loses nothing. */
let said: Map<object, ReadonlySet<unknown>> | undefined

/**
 * Runs what asks for many connections: the parsers of each server are asked once. Nothing can arrive meanwhile, and what they said is forgotten at its
 * end: parsers move on between two callbacks.
 */
export function atOnce<T>(run: () => T): T {
  if (said !== undefined) return run()
  said = new Map()
  try {
    return run()
  } finally {
    said = undefined
  }
}

/** Whether a message has begun to arrive on a socket that has not come as a whole. By itself as much work as there are such sockets. */
export function isAmidMessage(server: object, socket: Socket): boolean {
  if (said === undefined) return amidMessage(server).has(socket)
  let amid = said.get(server)
  if (amid === undefined) {
    amid = amidMessage(server)
    said.set(server, amid)
  }
  return amid.has(socket)
}
