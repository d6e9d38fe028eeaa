import type { ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { nextTick } from '../node/real-timers.js'
import { closeOutputFirst } from './close.js'
import type { Body, Connection, Exchange } from './connection.js'
import { answerError } from './error-responses.js'
import { exchangeOf, isIncomplete } from './exchange.js'
import { goIdle } from './idle.js'
import { boundLateHead } from './request-timeout.js'
import { endBelow } from './response-body.js'
import { leaveUnread } from './unread-body.js'
import { dropWaiting, next } from './waiting-requests.js'

// What follows when the kernel has a response. Node shows that by calling `socket.setTimeout` or `socket.destroySoon` (socket-methods.ts); where it
// does not, 'finish' does.

/** For a response after which Node called neither: the application set `server.keepAliveTimeout` to 0 in the middle of it. */
export function noteWritten({ current }: Connection): void {
  if (current !== undefined && isWritten(current) && !current.connection.released) written(current)
}

/** Whether Node has taken the response off the socket. */
export function isWritten({ ended, res }: Exchange): boolean {
  return res.socket === null && (ended || res.writableEnded)
}

/** For a response behind which others wait: Node calls neither of the two then. */
export function watchFinish(res: ServerResponse): void {
  res.on('finish', onFinish)
}

/** It runs after Node's own listener. */
function onFinish(this: ServerResponse): void {
  const exchange = exchangeOf(this)
  if (exchange !== undefined && !exchange.connection.released) written(exchange)
}

/** The kernel has the response. */
export function written(exchange: Exchange): void {
  const { connection } = exchange
  // Node 20 also reports this if the write failed because the socket was destroyed.
  if (connection.socket.destroyed) return
  if (exchange.body !== undefined) endBody(exchange, exchange.body)
  connection.current = undefined
  const { owner, hasNoRareFields } = connection
  if (hasNoRareFields || !connection.excess) {
    owner.counts.finished++
    owner.drain?.finished(exchange.arrived, exchange)
  }
  if (!hasNoRareFields) connection.clearTimers()
  if (connection.ending !== undefined) {
    if (!hasNoRareFields) dropWaiting(connection)
    closeOutputFirst(connection, connection.ending)
  } else if (hasNoRareFields || !takesUpNext(connection)) {
    if (isIncomplete(exchange)) leaveUnread(connection, exchange.req)
    goIdle(connection)
  }
}

function endBody(exchange: Exchange, { declared }: Body): void {
  const { connection } = exchange
  endBelow(exchange)
  if (declared < 0) connection.owner.closeDelimited.delete(connection)
}

/** Continues with what has arrived meanwhile. Returns whether anything has. */
function takesUpNext(connection: Connection): boolean {
  connection.lastUsed = Math.ceil(performance.now())
  if (connection.rare.waiting !== undefined) nextTick(next, connection)
  else if (connection.rare.failure !== undefined) nextTick(answerInRoot, connection, connection.rare.failure)
  else return boundLateHead(connection)
  return true
}

/** Answers outside the async context of the previous request. */
function answerInRoot(connection: Connection, failure: Error): void {
  connection.owner.timers.inRoot(() => answerError(connection, failure))
}
