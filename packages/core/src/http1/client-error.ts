import type { Socket } from 'node:net'
import { attempt } from '../events/error-boundary.js'
import { bareHead } from '../http/bare-head.js'
import { errorCode } from '../node/error-code.js'
import { hasBegun } from '../node/parser.js'
import { makeLast } from '../node/response-fields.js'
import { numberOf } from '../node/server-kinds.js'
import { afterPoll } from '../node/timers.js'
import { closeOutputFirst, cut, setReason } from './close.js'
import type { Connection, Http1Owner } from './connection.js'
import { connectionOf } from './connection-of.js'
import { recordClose } from './record-close.js'
import { dropLast } from './waiting-requests.js'

const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT'

/** Handles `clientError` of a governed server. Returns false where Node has to answer and destroy the socket itself. */
export function onClientError(owner: Http1Owner, error: Error, socket: Socket): boolean {
  const connection = connectionOf(socket)
  if (connection === undefined || connection.phase === 'upgraded') return owner.forward('clientError', [error, socket])
  const code = errorCode(error)
  if (!code.startsWith('HPE_') && code !== REQUEST_TIMEOUT) {
    // The connection itself broke, so there is no client to answer; unless the application destroyed it with this error.
    if (!connection.released) connection.makeRare().byPeer = true
    setReason(connection, 'peer')
    connection.closedFirst ??= 'peer'
    return owner.forward('clientError', [error, socket])
  }
  if (connection.phase === 'lingering' || connection.rare.failure !== undefined) return true
  // Bytes behind a request that said close mean nothing (RFC 9112 §9.6). Reading goes on, so that the server notices when the client leaves.
  if (code === 'HPE_CLOSED_CONNECTION' && !hasPromised(connection)) return true
  if (code === REQUEST_TIMEOUT) {
    if (!excuse(connection, error)) lookOnceMore(connection, error)
  } else fail(connection, error)
  return true
}

/**
 * Ignores a request timeout that struck while halfclose held the request back. Its time starts anew when it is handed over; that of an unfinished
 * head starts anew when all requests before it are answered.
 */
function excuse(connection: Connection, error: Error): boolean {
  const {
    current,
    rare: { waiting },
  } = connection
  const last = waiting?.at(-1)
  const before = last?.args[0] ?? current?.req
  if (before?.complete === true) connection.makeRare().late = error
  else if (last !== undefined) last.excused = error
  return before?.complete === true || last !== undefined
}

/** Gives a head that was late its time anew, once all requests before it are answered. */
export function boundLateHead(connection: Connection): boolean {
  const {
    owner,
    rare: { late },
  } = connection
  const ms = numberOf(owner.server, 'headersTimeout') || numberOf(owner.server, 'requestTimeout')
  if (late === undefined || ms === 0) return false
  connection.setTimer(ms, () => {
    if (connection.rare.late === late) answer(connection, late)
  })
  return true
}

/** Node's own timer struck before the input was read. Input that reached the kernel while the process stood still is not late. */
function lookOnceMore(connection: Connection, error: Error): void {
  const { requests, current, socket } = connection
  const lacked = current?.req.complete === false
  const act = () => {
    if (socket.destroyed || connection.phase === 'lingering' || connection.rare.failure !== undefined) return
    const last = connection.rare.waiting?.at(-1)
    // The request has arrived as a whole meanwhile: nothing is late any more.
    if (last?.args[0].complete === true || (last !== undefined && excuse(connection, error))) return
    // Node no longer measures the time of a request that has begun meanwhile.
    if (connection.requests !== requests) restartRequestTimeout(connection, error)
    else if (!lacked || current?.req.complete !== true) fail(connection, error)
  }
  afterPoll(() => attempt(connection, act))
}

/** Whether the head of the last response, if it was written, allowed another request: a `close` in the request's trailers came too late for that. */
function hasPromised({ ending, current, rare: { waiting } }: Connection): boolean {
  return ending === undefined && waiting === undefined && (current === undefined || current.headWritten)
}

function fail(connection: Connection, error: Error): void {
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
  answer(connection, error)
}

/**
 * Answers a malformed request once the answers before it are sent. The `clientError` listeners of the framework or the application get the error;
 * without a listener the client gets what Node would send. Meanwhile destroy() closes output first, since most listeners write an answer and then
 * destroy the socket.
 */
export function answer(connection: Connection, error: Error): void {
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

/** Starts anew, from now on, the time of a request that was held back. */
export function restartRequestTimeout(connection: Connection, error: Error): void {
  const { owner } = connection
  const req = connection.current?.req
  if (req === undefined) return
  const ms = numberOf(owner.server, 'requestTimeout')
  if (ms > 0 && !req.complete) {
    connection.setTimer(ms, () => {
      if (connection.current?.req === req && !req.complete) fail(connection, error)
    })
  }
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
