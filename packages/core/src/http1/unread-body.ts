import type { IncomingMessage } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setImmediate } from '../node/real-timers.js'
import { bytesArrived } from '../socket/bytes-arrived.js'
import { hasReset } from '../socket/peer-reset.js'
import { closeOutputFirst, killByPeer } from './close.js'
import type { Connection } from './connection.js'
import { goIdle } from './idle.js'
import { markInput } from './input-mark.js'

/** Milliseconds between two looks: a fast client sends megabytes in that time. */
const LOOK = 20

/**
 * The request was answered before its body had arrived. Once the body has been read, the next bytes are the next request. If the application reads
 * the body, it goes on reading. If it has stopped (paused, or piped into a stream that takes no more), the body is read and discarded after
 * `linger.quiet`, so that the next request is reached. A body that is only discarded ends the connection, output first, beyond the bounds of
 * `linger`.
 */
export function leaveUnread(connection: Connection, req: IncomingMessage): void {
  const { owner, socket } = connection
  const { quiet, total, bytes } = owner.policy.linger
  connection.makeRare().unread = req
  // Node reads and discards a body that the application never read.
  let isWanted = req.readableFlowing !== true || req.listenerCount('data') > 0
  let since = owner.timers.now
  let from = bytesArrived(connection)
  let moved = since
  let seen = from
  const look = () => {
    if (connection.rare.unread !== req || connection.phase === 'lingering' || socket.destroyed) return
    if (req.complete) return arrived(connection, req)
    const { now } = owner.timers
    const arrivedBytes = bytesArrived(connection)
    if (arrivedBytes !== seen) {
      seen = arrivedBytes
      moved = now
      // Where nothing reads, only the kernel knows of a reset.
    } else if (socket.isPaused() && hasReset(connection)) return killByPeer(connection)
    const isStill = now - moved >= quiet
    if (!isWanted && (seen - from > bytes || now - since >= total || (isStill && owner.draining))) {
      if (performance.now() < connection.promiseUntil) owner.promiseBroken(owner.draining ? 'drain-idle' : 'limit')
      return closeOutputFirst(connection, owner.draining ? 'draining' : 'limit')
    }
    if (isWanted && isStill && socket.isPaused()) {
      isWanted = false
      since = now
      from = seen
      readAway(req)
    }
    wait()
  }
  const wait = () => owner.timers.after(LOOK, look, { unref: true })
  wait()
  req.once('close', () => arrived(connection, req))
}

/**
 * The body has arrived: the promise and the hold begin anew. Many clients read no answer before they have sent everything, and only then learn of the
 * promise.
 */
function arrived(connection: Connection, req: IncomingMessage): void {
  const { phase, current, socket, rare } = connection
  if (rare.unread !== req) return
  connection.makeRare().unread = undefined
  markInput(connection)
  if ((phase === 'busy' || phase === 'idle') && current === undefined && !socket.destroyed) goIdle(connection)
}

function readAway(req: IncomingMessage): void {
  req.unpipe()
  req.removeAllListeners('readable')
  req.on('pause', goOnSoon).resume()
}

/** The application's listener pauses the body anew at every piece. */
function goOnSoon(this: IncomingMessage): void {
  setImmediate(() => this.resume())
}
