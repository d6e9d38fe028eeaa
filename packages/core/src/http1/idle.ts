import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { CloseReason, PromiseBreaker } from '../events/types.js'
import { GRACE } from '../policy.js'
import { shut } from './close.js'
import type { Connection } from './connection.js'

/** Of an idle connection there is no response in flight that a reset could wipe out: a second for the peer's FIN is plenty. */
export const IDLE_QUIET = GRACE

/** Between two requests: the promise and the hold begin. */
export function goIdle(connection: Connection): void {
  const { socket, owner } = connection
  connection.lastUsed = Math.ceil(performance.now())
  owner.connections.turn(connection, 'idle')
  if (!connection.isCommon && connection.countsBytes) connection.mark = socket.bytesRead
  // What somebody set for the request is over; the server's own is set anew with the next one.
  if (socket.timeout) Reflect.apply(connection.rare.own?.setTimeout ?? Socket.prototype.setTimeout, socket, [0])
  if (connection.period !== owner.idleTimeout.period) owner.idleTimeout.rest(connection)
  if (owner.isDemanding) owner.limits.idle(connection)
}

/** Closes a connection that is idle or silent, if it still is and nothing has begun to arrive. `broken`: the promise that this breaks, if any. */
export function closeIfQuiet(connection: Connection, reason: CloseReason, broken?: PromiseBreaker): void {
  const { phase, socket, owner } = connection
  if ((phase !== 'idle' && phase !== 'silent') || socket.destroyed || connection.receiving) return
  if (broken !== undefined && performance.now() < connection.promiseUntil) owner.broke(broken)
  shut(connection, reason, IDLE_QUIET)
}
