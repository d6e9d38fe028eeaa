import type { ServerResponse } from 'node:http'
import { removedConnection, setPrintedKeepAlive } from '../node/response-fields.js'
import type { KeepAlivePolicy } from '../options/types.js'
import { keepAliveField, promiseFor } from '../policy.js'
import type { Exchange } from './connection.js'
import { type Headers, type Said, withConnection } from './connection-header.js'
import { isKeptPlainly } from './persist-or-close.js'

// What a response says about its connection: the fields `Connection` and `Keep-Alive`. Node prints them itself wherever it can.

/**
 * The common case: nothing prevents another request, the application said nothing about the connection, and Node prints the promise itself. If so,
 * the promise is recorded. It does not touch the response, which under Express would cost more than all of this.
 */
export function printsPromise(exchange: Exchange): boolean {
  const { connection, res } = exchange
  const { owner, requests } = connection
  const { keepAlive } = owner.policy
  const { printable } = owner
  if (keepAlive === false || printable === undefined) return false
  if (!isKeptPlainly(exchange, keepAlive) || removedConnection(res)) return false
  connection.promised = printable
  if (printable !== exchange.printed || keepAlive.maxRequests !== false) print(res, keepAlive, printable, requests)
  return true
}

/** Makes the head say what was decided. Returns the fields to write. */
export function announce(
  { connection, res }: Exchange,
  said: Said,
  given: Headers | undefined,
  persists: boolean,
): Headers | undefined {
  const { keepAlive } = connection.owner.policy
  if (!persists || keepAlive === false) {
    connection.promised = 0
    return isSpokenFor(res, said) ? withConnection(res, given, said, 'close', '') : given
  }
  const promise = promiseFor(keepAlive, connection.owner.keepable())
  connection.promised = promise
  if (isSpokenFor(res, said) || needsExplicitField(keepAlive, promise)) {
    return withConnection(res, given, said, 'keep-alive', keepAliveField(keepAlive, promise, connection.requests))
  }
  print(res, keepAlive, promise, connection.requests)
  return given
}

function print(res: ServerResponse, { maxRequests }: KeepAlivePolicy, promise: number, requests: number): void {
  setPrintedKeepAlive(res, promise, maxRequests === false ? 0 : maxRequests - requests)
}

/** Whether the Connection line that Node prints would be wrong or missing. */
function isSpokenFor(res: ServerResponse, said: Said): boolean {
  return said.connection !== undefined || said.keepAlive || said.upgrade || removedConnection(res)
}

function needsExplicitField(keepAlive: KeepAlivePolicy, promise: number): boolean {
  return keepAlive.parameters !== '' || (promise === 0 && keepAlive.maxRequests !== false)
}
