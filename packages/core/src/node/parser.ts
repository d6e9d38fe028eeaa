import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { types } from 'node:util'

// Everything that halfclose asks Node's HTTP parser, and how it stops the parser's input or takes it away: by private fields, each with the reason
// why there is no public way. test/node-private.test.ts fails where a Node version changes one of these fields.

/**
 * Undoes the pause that Node makes where the responses to a slow reader pile up. Over TLS that pause strikes the parser in the middle of decrypted
 * input, and parsing then fails with HPE_PAUSED. http1/pause-reading.ts stops the reading instead.
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

/** The key of the list: the same symbol on every server. */
let listKey: symbol | undefined

function parsersOf(server: object): ParserList | undefined {
  listKey ??= Object.getOwnPropertySymbols(server).find(({ description }) => description === LIST)
  const list: unknown = listKey === undefined ? undefined : Reflect.get(server, listKey)
  return isParserList(list) ? list : undefined
}

function isParserList(value: unknown): value is ParserList {
  return typeof value === 'object' && value !== null && 'active' in value && typeof value.active === 'function'
}

/** Whether Node knows on which of a server's connections a message is arriving. It does once the server listens. */
export function knowsMessages(server: object): boolean {
  return parsersOf(server) !== undefined
}

/** The sockets that Node parses for a server, once the server listens. Node has no public list of a server's connections. */
export function parsedSockets(server: object): readonly unknown[] {
  return (parsersOf(server)?.all() ?? []).map(({ socket }) => socket)
}

/** The fields of a socket that Node parses. They are not read by `Reflect.get`, which V8 does not compile inline. */
interface Parsed {
  readonly server?: unknown
  readonly parser?: { readonly socket?: unknown } | null
}

/** Whether the parser of a socket belongs to another server, or to another socket object: a 'connection' listener may have passed the socket on. */
export function isParsedElsewhere(server: object, socket: Socket & Parsed): boolean {
  return socket.server !== server || socket.parser?.socket !== socket
}

/**
 * The sockets on which a message has begun to arrive and is not complete, those that have never sent anything included. Only the parser knows:
 * `bytesRead` cannot tell the end of one request from the beginning of the next, nor an empty line from half a head. Node's public
 * closeIdleConnections() shows it only by destroying all other connections.
 */
export function incompleteMessages(server: object): ReadonlySet<unknown> {
  return new Set(
    parsersOf(server)
      ?.active()
      .map(({ socket }) => socket),
  )
}

/**
 * Whether a parser has been given the beginning of a request that is not complete. The list above has connections that have sent nothing as well, and
 * `bytesRead` does not tell where the application has read some bytes before Node parses the rest. `finish()`, which Node calls at the client's FIN,
 * returns an error in the middle of a message, and does nothing else. `undefined`: the socket has no parser.
 */
export function hasBegun(socket: Socket & { readonly parser?: unknown }): boolean | undefined {
  const { parser } = socket
  if (typeof parser !== 'object' || parser === null || !('finish' in parser) || typeof parser.finish !== 'function')
    return undefined
  return types.isNativeError(Reflect.apply(parser.finish, parser, []))
}

/** A parser, with the chunk of input that it is parsing: empty between two chunks. */
interface Parser {
  getCurrentBuffer(): Uint8Array
}

function isParser(value: unknown): value is Parser {
  return (
    typeof value === 'object' && value !== null && 'getCurrentBuffer' in value && typeof value.getCurrentBuffer === 'function'
  )
}

/**
 * Whether a request whose head has just been parsed is all of the chunk that was read: its first and last bytes are those of the chunk. There is no
 * public way to see what else the chunk holds.
 */
export function endsItsRead({ socket, method, url, headers }: IncomingMessage): boolean {
  const parser: unknown = 'parser' in socket ? socket.parser : undefined
  if (!isParser(parser) || headers['transfer-encoding'] !== undefined) return false
  const input = Buffer.from(parser.getCurrentBuffer()).toString('latin1')
  const body = input.indexOf('\r\n\r\n') + 4
  return input.startsWith(`${method} ${url} HTTP/`) && body + Number(headers['content-length'] ?? 0) === input.length
}

/** Whether the chunk that is being parsed may hold more than this request. */
export function mayHoldMore(req: IncomingMessage): boolean {
  const parser: unknown = 'parser' in req.socket ? req.socket.parser : undefined
  return isParser(parser) && parser.getCurrentBuffer().length > 0 && !endsItsRead(req)
}

/**
 * Takes the input of a connection away from Node's HTTP parser: from now on `onData` gets the raw bytes. Adding a data listener (public) makes Node
 * release the socket's handle; on Node 20 reading must then be started again on the handle.
 */
export function readRaw(socket: Socket, onData: (chunk: Buffer) => void): void {
  socket.removeAllListeners('data')
  socket.on('data', onData)
  socket.resume()
  readOn(socket)
}

/**
 * Lets a socket read from the kernel even where its stream would not ask for more. net.Socket#_read starts a handle that is stopped, and does nothing
 * where it is running.
 */
export function readOn(socket: Socket): void {
  if (!socket.destroyed) socket._read(0)
}

/**
 * What the parsers of each server have said, during one call of {@link atOnce}. It is never kept for longer, so a second copy of this package loses
 * nothing.
 */
let said: Map<object, ReadonlySet<unknown>> | undefined

/**
 * Runs a function that asks about many connections: the parsers of each server are asked only once. No input arrives while it runs; their answers are
 * forgotten at its end, since parsers go on between two callbacks.
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

/**
 * Whether a message has begun to arrive on a socket and is not complete. A single call costs as much as there are such sockets: ask about many within
 * {@link atOnce}.
 */
export function isMessageIncomplete(server: object, socket: Socket): boolean {
  if (said === undefined) return incompleteMessages(server).has(socket)
  let incomplete = said.get(server)
  if (incomplete === undefined) {
    incomplete = incompleteMessages(server)
    said.set(server, incomplete)
  }
  return incomplete.has(socket)
}
