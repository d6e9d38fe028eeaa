import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { CloseReason, PromiseBreaker } from '../events/types.js'
import { GRACE } from '../policy.js'
import { closeOutputFirst } from './close.js'
import type { Connection } from './connection.js'
import { markInput, markRecords } from './partial-request.js'

// A connection between two requests: how it becomes idle, and how it is closed if it still is.

/** The linger of an idle connection: there is no response that a reset could delete, so a second for the client's FIN is enough. */
export const IDLE_QUIET = GRACE

/** The connection is between two requests: the promise and the hold begin. */
export function goIdle(connection: Connection): void {
  const { socket, owner } = connection
  connection.lastUsed = Math.ceil(performance.now())
  owner.connections.turn(connection, 'idle')
  const { raw, period } = connection
  const isFirst = period !== owner.idleTimeout.period
  if (raw !== undefined && !isFirst && connection.hasNoRareFields) markRecords(connection, raw)
  else if (raw !== undefined || (!connection.hasNoRareFields && connection.countsBytes)) markInput(connection)
  // A timeout that the application set for the request is over; the server's own is set again with the next request.
  if (socket.timeout) Reflect.apply(connection.rare.patched?.setTimeout ?? Socket.prototype.setTimeout, socket, [0])
  if (isFirst) owner.idleTimeout.rest(connection)
  if (owner.isDemanding) owner.limits.idle(connection)
}

/** Closes a connection that is idle or silent, if nothing has begun to arrive. `broken`: what the promise counts as broken by, if it is not over. */
export function closeIfQuiet(connection: Connection, reason: CloseReason, broken?: PromiseBreaker): void {
  const { phase, socket, owner } = connection
  if ((phase !== 'idle' && phase !== 'silent') || socket.destroyed || connection.receivingAlone) return
  if (broken !== undefined && performance.now() < connection.promiseUntil) owner.promiseBroken(broken)
  closeQuiet(connection, reason)
}

/** Closes a connection on which nothing arrives. To ask once more would cost as much as there are connections. */
export function closeQuiet(connection: Connection, reason: CloseReason): void {
  closeOutputFirst(connection, reason, IDLE_QUIET, connection.rare.unread === undefined ? false : undefined)
}
