import type { IncomingMessage } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setImmediate } from '../node/real-timers.js'
import { bytesArrived } from '../socket/bytes-arrived.js'
import { hasReset } from '../socket/peer-reset.js'
import { closeOutputFirst, killByPeer } from './close.js'
import type { Connection } from './connection.js'
import { goIdle } from './idle.js'
import { markInput } from './partial-request.js'

/** Milliseconds between two looks: a fast client sends megabytes in that time. */
const LOOK = 20

/**
 * The request was answered before its body had arrived. Once the body has been read, the next bytes are the next request. If the application reads
 * the body, it goes on reading. If it has stopped (paused, or piped into a stream that takes no more), the body is read and discarded after
 * `linger.quiet`, so that the next request is reached. A body that is only discarded ends the connection, output first, beyond the bounds of
 * `linger`.
 */
export function leaveUnread(connection: Connection, req: IncomingMessage): void {
  connection.makeRare().unread = req
  new UnreadBody(connection, req).lookLater()
  req.once('close', () => arrived(connection, req))
}

class UnreadBody {
  readonly #connection: Connection
  readonly #req: IncomingMessage
  /** Whether the application may read on. Otherwise the body is discarded. */
  #isWanted: boolean
  /** When it began to be discarded, and how much had been read then: the bounds of `linger` count from there. */
  #since: number
  #from: number
  /** When something last came, and how much had been read then. */
  #movedAt: number
  #seen: number

  constructor(connection: Connection, req: IncomingMessage) {
    this.#connection = connection
    this.#req = req
    // Node reads and discards a body that the application never read.
    this.#isWanted = req.readableFlowing !== true || req.listenerCount('data') > 0
    this.#since = connection.owner.timers.now
    this.#from = bytesArrived(connection)
    this.#movedAt = this.#since
    this.#seen = this.#from
  }

  lookLater(): void {
    this.#connection.owner.timers.after(LOOK, () => this.#look(), { unref: true })
  }

  #look(): void {
    const { socket, phase, rare, owner } = this.#connection
    if (rare.unread !== this.#req || phase === 'lingering' || socket.destroyed) return
    const { now } = owner.timers
    const arrivedBytes = bytesArrived(this.#connection)
    const moves = arrivedBytes !== this.#seen
    if (moves) {
      this.#seen = arrivedBytes
      this.#movedAt = now
    }
    const isStill = now - this.#movedAt >= owner.policy.linger.quiet
    if (this.#req.complete) arrived(this.#connection, this.#req)
    // Where nothing reads, only the kernel knows of a reset.
    else if (!moves && socket.isPaused() && hasReset(this.#connection)) killByPeer(this.#connection)
    else if (!this.#isWanted && this.#isTooMuch(now, isStill)) this.#giveUp()
    else {
      if (this.#isWanted && isStill && socket.isPaused()) this.#discard(now)
      this.lookLater()
    }
  }

  #isTooMuch(now: number, isStill: boolean): boolean {
    const { total, bytes } = this.#connection.owner.policy.linger
    return this.#seen - this.#from > bytes || now - this.#since >= total || (isStill && this.#connection.owner.draining)
  }

  #giveUp(): void {
    const { owner, promiseUntil } = this.#connection
    if (performance.now() < promiseUntil) owner.promiseBroken(owner.draining ? 'drain-idle' : 'limit')
    closeOutputFirst(this.#connection, owner.draining ? 'draining' : 'limit')
  }

  #discard(now: number): void {
    this.#isWanted = false
    this.#since = now
    this.#from = this.#seen
    readAway(this.#req)
  }
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
  if ((phase !== 'busy' && phase !== 'idle') || current !== undefined || socket.destroyed) return
  // For `limits.idle` it has been idle from now on, too.
  connection.owner.limits.busy(connection)
  goIdle(connection)
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
