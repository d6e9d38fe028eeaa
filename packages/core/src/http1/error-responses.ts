import type { IncomingMessage, ServerResponse } from 'node:http'
import { bareHead } from '../http/bare-head.js'
import { errorCode, REQUEST_TIMEOUT } from '../node/error-code.js'
import { hasBegun } from '../node/parser.js'
import { makeLast } from '../node/response-fields.js'
import { closeOutputFirst, cut } from './close.js'
import type { Connection, Exchange } from './connection.js'
import type { PolicyInForce } from './connection-owner.js'
import { recordClose } from './record-close.js'
import { dropLast } from './waiting-requests.js'

// The responses of halfclose itself to requests that cannot be trusted or understood: 400, 408, 413, 431, 501 and 505. Each is sent in its turn, as
// the last one of its connection. The 503 is in http/unavailable.ts.

/** Answers a request that was parsed, and that no application may see. Returns whether it was one. */
export function refuses(owner: PolicyInForce, { req, res, facts }: Exchange): boolean {
  // The version in a request line does not turn this connection into one of another protocol.
  if (req.httpVersionMajor !== 1) return refuse(res, 505)
  if (refusesHost(owner, req, res)) return true
  const status = facts.expectsBody ? refusalOfCoding(req.headers['transfer-encoding']) : undefined
  return status !== undefined && refuse(res, status)
}

/** HTTP/1.1 without Host (RFC 9112 §3.2). Node would answer it itself, before the requests in front of it are answered. */
export function refusesHost({ requireHost }: PolicyInForce, req: IncomingMessage, res: ServerResponse): boolean {
  const lacks = requireHost && req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && req.headers.host === undefined
  return lacks && refuse(res, 400)
}

/** The status for a transfer coding other than just `chunked`. */
function refusalOfCoding(coding: string | undefined): 400 | 501 | undefined {
  if (coding === undefined || coding === 'chunked') return undefined
  const codings = coding
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  // There is no way to tell where the body ends (RFC 9112 §6.3), and a sender must not chunk twice (§6.1).
  if (codings.length === 0 || codings.indexOf('chunked') !== codings.length - 1) return 400
  // Node would pass the body on as it is, still coded (RFC 9112 §6.1).
  return codings.length > 1 ? 501 : undefined
}

function refuse(res: ServerResponse, status: number): true {
  res.writeHead(status, { Connection: 'close' }).end()
  return true
}

/** A request was malformed, or arrived too late: it is answered once the responses before it are sent. */
export function failRequest(connection: Connection, error: Error): void {
  const {
    current,
    rare: { waiting },
  } = connection
  const last = waiting?.at(-1)
  if (last !== undefined && !last.args[0].complete) {
    // The broken request is waiting itself: it is never run, and the error is its answer.
    dropLast(connection)
  }
  if (connection.rare.waiting !== undefined || (current !== undefined && (current.req.complete || last !== undefined))) {
    // Reading goes on without a parser, so that the server notices when the client leaves.
    connection.makeRare().failure = error
    return
  }
  if (current?.res.writableEnded === true) {
    // The response has begun: it is the last one, and the broken body gets no answer of its own.
    connection.ending ??= 'error'
    makeLast(current.res)
    return
  }
  answerError(connection, error)
}

/**
 * Answers a malformed request once the answers before it are sent. The `clientError` listeners of the framework or the application get the error;
 * without a listener the client gets what Node would send. Meanwhile destroy() closes output first, since most listeners write an answer and then
 * destroy the socket.
 */
export function answerError(connection: Connection, error: Error): void {
  const { socket, owner, current } = connection
  if (connection.rare.failure !== undefined) connection.makeRare().failure = undefined
  // A request that was answered before its body broke gets no second answer.
  const owed = connection.rare.unread === undefined || connection.rare.unread.complete
  const begun = current?.res.headersSent === true
  if (!begun) connection.makeRare().answering = true
  const record = recordClose(connection)
  if (record !== undefined) record.code = errorCode(error)
  connection.ending ??= 'error'
  if (begun) {
    // Cut first: a listener that does not look would write its answer into the middle of the response.
    cut(connection, 'error')
    owner.forward('clientError', [error, socket])
    return
  }
  const handled = owner.forward('clientError', [error, socket])
  if (socket.destroyed) return
  if (handled && connection.phase !== 'lingering' && !socket.writableEnded) {
    // The listener answers later, or never.
    socket.once('finish', () => closeOutputFirst(connection, 'error'))
    connection.setTimer(owner.policy.linger.total, () => cut(connection, 'error'))
    return
  }
  // A connection that never sent a byte, or only the line that a front has read, has asked for nothing (RFC 9112 §9.3: no response without a
  // request).
  const isSilent = connection.requests === 0 && errorCode(error) === REQUEST_TIMEOUT && hasBegun(socket) === false
  const asked = socket.bytesRead > 0 && !isSilent
  if (!handled && owed && asked && socket.writable) socket.write(cannedAnswer(error))
  closeOutputFirst(connection, 'error')
}

function cannedAnswer(error: Error): string {
  switch (errorCode(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return bareHead('431 Request Header Fields Too Large')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return bareHead('413 Payload Too Large')
    case REQUEST_TIMEOUT:
      return bareHead('408 Request Timeout')
    default:
      return bareHead('400 Bad Request')
  }
}
