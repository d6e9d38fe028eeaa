import type { Socket } from 'node:net'
import { errorCode, REQUEST_TIMEOUT } from '../node/error-code.js'
import { setReason } from './close.js'
import type { Connection, Http1Owner } from './connection.js'
import { connectionOf } from './connection-of.js'
import { failRequest } from './error-responses.js'
import { excuseIfHeldBack, failIfStillLate } from './request-timeout.js'

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
    if (!excuseIfHeldBack(connection, error)) failIfStillLate(connection, error)
  } else failRequest(connection, error)
  return true
}

/** Whether the head of the last response, if it was written, allowed another request: a `close` in the request's trailers came too late for that. */
function hasPromised({ ending, current, rare: { waiting } }: Connection): boolean {
  return ending === undefined && waiting === undefined && (current === undefined || current.headWritten)
}
