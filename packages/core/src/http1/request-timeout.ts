import { attempt } from '../events/error-boundary.js'
import { numberOf } from '../node/server-kinds.js'
import { afterPoll } from '../node/timers.js'
import type { Connection } from './connection.js'
import { answerError, failRequest } from './error-responses.js'

// The time that a request may take to arrive: Node's `headersTimeout` and `requestTimeout`. Node reports its end as a 'clientError'. A request that
// halfclose has held back is not late, and its time starts anew when its turn has come.

/**
 * Ignores a request timeout that struck while halfclose held the request back. Returns whether it did. The request's time starts anew when it is handed over; that of an unfinished
 * head starts anew when all requests before it are answered.
 */
export function excuseIfHeldBack(connection: Connection, error: Error): boolean {
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
    if (connection.rare.late === late) answerError(connection, late)
  })
  return true
}

/** Node's own timer struck before the input was read. Input that reached the kernel while the process stood still is not late. */
export function failIfStillLate(connection: Connection, error: Error): void {
  const { requests, current, socket } = connection
  const lacked = current?.req.complete === false
  const act = () => {
    if (socket.destroyed || connection.phase === 'lingering' || connection.rare.failure !== undefined) return
    const last = connection.rare.waiting?.at(-1)
    // The request has arrived as a whole meanwhile: nothing is late any more.
    if (last?.args[0].complete === true || (last !== undefined && excuseIfHeldBack(connection, error))) return
    // Node no longer measures the time of a request that has begun meanwhile.
    if (connection.requests !== requests) restartRequestTimeout(connection, error)
    else if (!lacked || current?.req.complete !== true) failRequest(connection, error)
  }
  afterPoll(() => attempt(connection, act))
}

/** Starts anew, from now on, the time of a request that was held back. */
export function restartRequestTimeout(connection: Connection, error: Error): void {
  const { owner } = connection
  const req = connection.current?.req
  if (req === undefined) return
  const ms = numberOf(owner.server, 'requestTimeout')
  if (ms > 0 && !req.complete) {
    connection.setTimer(ms, () => {
      if (connection.current?.req === req && !req.complete) failRequest(connection, error)
    })
  }
}
