import { performance } from 'node:perf_hooks'
import { shut } from './closing.js'
import type { Connection } from './connection.js'
import { count } from './events.js'
import { GRACE } from './policy.js'
import { numberOf } from './servers.js'
import type { CloseReason, PromiseBreaker } from './types.js'

/** Of an idle connection there is no response in flight that a reset could wipe out: a second for the peer's FIN is plenty. */
const IDLE_QUIET = GRACE

/** Between two requests: the promise and the hold begin. */
export function goIdle(connection: Connection): void {
  const { socket, site } = connection
  const { keepAlive } = site.policy
  connection.phase = 'idle'
  connection.lastUsed = Math.ceil(performance.now())
  connection.mark = socket.bytesRead
  // Node has armed its own timer with the same value, except where it cannot: Node 20 knows no buffer but 1 s.
  if (keepAlive !== false && socket.timeout !== keepAlive.hold) socket.setTimeout(keepAlive.hold)
  site.capacity.idle(connection)
}

/**
 * The idle timer fired. Timers run before I/O, so a request may already be in the kernel: one more turn of the poll phase decides.
 */
export function expire(connection: Connection): void {
  afterPoll(() => closeIfQuiet(connection, 'idle'))
}

/** Runs after a whole turn of the poll phase. setImmediate comes right after the phase; twice, since we may be in the midst of one. */
export function afterPoll(run: () => void): void {
  setImmediate(() => setImmediate(run))
}

/** Closes a connection that is idle or silent, if it still is and nothing has begun to arrive. `broken`: the promise that this breaks, if any. */
export function closeIfQuiet(connection: Connection, reason: CloseReason, broken?: PromiseBreaker): void {
  const { phase, socket, site } = connection
  if ((phase !== 'idle' && phase !== 'silent') || socket.destroyed) return
  if (connection.receiving) {
    if (reason === 'idle') waitForHead(connection)
    return
  }
  if (broken !== undefined && performance.now() < connection.promiseUntil) count(site.counts.promisesBroken, broken)
  shut(connection, reason, IDLE_QUIET)
}

/**
 * Bytes came, but no whole head: Node's headersTimeout answers that with 408. It does not see stray empty lines, which are no
 * message (RFC 9112 §2.2), so the idle timer looks again later.
 */
function waitForHead(connection: Connection): void {
  const { socket, site } = connection
  connection.mark = socket.bytesRead
  socket.setTimeout((numberOf(site.server, 'headersTimeout') || 60_000) + 60_000)
}
