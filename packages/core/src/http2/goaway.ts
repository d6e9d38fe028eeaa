import type { ServerHttp2Stream } from 'node:http2'
import { attempt } from '../events/error-boundary.js'
import type { CloseReason } from '../events/types.js'
import { destroyBy } from '../node/patched-methods.js'
import { setImmediate } from '../node/real-timers.js'
import { bytesQueued, bytesTaken, writeBeside } from '../node/socket-handle.js'
import { afterPoll } from '../node/timers.js'
import { recordSocket } from '../socket/record-socket.js'
import { type Quiet, stayQuiet } from '../socket/slow-reader.js'
import { recordSessionClose } from './record-session-close.js'
import { CODES, IDLE, type Session } from './session.js'

/**
 * Ends a session according to RFC 9113 §6.8. A GOAWAY names the last stream that was handed over, so that the client knows which of its streams were never run.
 * Streams in flight are answered. Then the server ends its output, and reads and discards what still arrives.
 *
 * `http2.close()` must not be called before the last stream has ended: until then Node itself refuses streams, within nghttp2, which then reads memory that it
 * has freed (Node 20: the process aborts). `whileReading`: frames are being read, so the GOAWAY has to wait; otherwise it is sent at once, since streams that arrive in
 * between would be refused.
 */
export function goAway(session: Session, reason: CloseReason, whileReading = false): void {
  if (session.ending !== undefined || session.http2.destroyed) return
  if (mayBeTold(session, reason)) {
    if (session.notice === undefined) giveNotice(session, reason)
    return
  }
  conclude(session, reason, whileReading)
}

function conclude(session: Session, reason: CloseReason, whileReading: boolean): void {
  if (session.ending !== undefined || session.http2.destroyed) return
  if (session.streams.size === 0) recordSessionClose(session)
  session.ending = session.notice ?? reason
  session.closedFirst ??= 'server'
  forbidPushes(session)
  // The timer of a half-closed client goes on.
  if (!session.inputEnded) session.clearTimer()
  if (whileReading) setImmediate(attempt, session, announce)
  else announce(session)
}

/** How long a client may take to acknowledge the notice, and how long its socket may be busy before that, in ms. */
const NOTICE = 1_000
/** After how many ms a busy socket is tried again. */
const AGAIN = 20

/**
 * Sends the first of the two GOAWAYs of RFC 9113 §6.8: "open no more streams", without saying which stream was the last. Streams that cross it are still run,
 * so a client that does not repeat requests (HAProxy) loses none. The second GOAWAY follows when the client has answered a PING, whose answer comes after all
 * that the client sent before. Node does not expose nghttp2's own notice, so the frame is written to the socket, between two of its writes.
 */
function giveNotice(session: Session, reason: CloseReason): void {
  session.notice = reason
  forbidPushes(session)
  tryNotice(session, reason, session.owner.timers.now + NOTICE)
}

function forbidPushes({ streams }: Session): void {
  for (const stream of streams.keys()) forbidPush(stream)
}

/**
 * Behind a GOAWAY nothing is pushed, as on a session that Node has closed. A client of Node answers with a GOAWAY of its own, ignores the promise of a push from then
 * on, and takes the push for an error of the connection: all its requests fail.
 */
export function forbidPush(stream: ServerHttp2Stream): void {
  Object.defineProperty(stream, 'pushAllowed', { value: false, configurable: true })
}

function tryNotice(session: Session, reason: CloseReason, until: number): void {
  if (session.ending !== undefined || session.http2.destroyed) return
  // The application, or Node for it, has sent a GOAWAY that names the last stream.
  if (session.lastNamed !== undefined) {
    conclude(session, reason, true)
    return
  }
  // A server's first frame is its SETTINGS (RFC 9113 §3.4), and a session that has just begun has not sent it.
  const written = session.socket.bytesWritten === 0 ? 'none' : writeBeside(session.socket, NOTICE_FRAME)
  if (written === 'all') awaitAnswer(session, reason)
  else if (written === 'some') killSession(session)
  else if (session.owner.timers.now >= until) conclude(session, reason, false)
  else session.owner.timers.after(AGAIN, () => attempt(session, () => tryNotice(session, reason, until)))
}

function awaitAnswer(session: Session, reason: CloseReason): void {
  const timer = session.owner.timers.after(NOTICE, () => attempt(session, () => conclude(session, reason, false)))
  const answered = () => {
    timer.stop()
    conclude(session, reason, true)
  }
  if (!session.http2.ping(answered)) answered()
}

/** GOAWAY on stream 0, with the highest id there is and NO_ERROR. */
const NOTICE_FRAME = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])

/** Whether the first GOAWAY makes sense: not if the client has gone, takes too much, or has reached a limit. */
function mayBeTold({ http2, socket, inputEnded }: Session, reason: CloseReason): boolean {
  if (http2.encrypted !== false || inputEnded || !socket.writable) return false
  return reason === 'draining' || reason === 'idle' || reason === 'max-age' || reason === 'no-keep-alive' || reason === 'handler'
}

/**
 * Corrects the GOAWAY that `http2.close` sends: it names the last stream that was read, even one that was refused, and the number must not grow (RFC 9113
 * §6.8).
 */
export function clampGoaway(session: Session): void {
  const { http2 } = session
  const { goaway } = http2
  const clamped = (code?: number, last?: number, data?: NodeJS.ArrayBufferView): void => {
    session.lastNamed = last || session.lastStream
    Reflect.apply(goaway, http2, [code, last ?? (session.ending === undefined ? undefined : session.lastStream), data])
  }
  Object.assign(http2, { goaway: clamped })
}

function announce(session: Session): void {
  if (session.http2.destroyed) return
  session.http2.goaway(CODES.NO_ERROR, session.lastStream)
  closeIfDone(session)
  // Its stream may never close: Node 20 forgets a stream that its client resets with NO_ERROR, and a session whose frames cannot be read.
  if (session.excess) boundFlush(session)
}

/** Closes the session after the GOAWAY, when the last stream has ended. A client that does not read the last bytes holds it for at most `linger.total`. */
export function closeIfDone(session: Session): void {
  if (session.streams.size > 0 || session.lingering || session.http2.destroyed) return
  session.http2.close()
  if (!session.inputEnded || session.owner.policy.halfClosed === 0) boundFlush(session)
}

/** Like {@link goAway}, after another turn of the poll phase, so that streams which have reached the kernel are answered. `still`: whether the reason holds then. */
export function goAwayAfterPoll(session: Session, reason: CloseReason, still: (session: Session) => boolean): void {
  afterPoll(() => {
    if (still(session)) goAway(session, reason)
  })
}

/** Breaks off the streams in flight, so that the client can tell, and ends the session. Answers that have been sent whole are not lost. */
export function cutSession(session: Session, reason: CloseReason): void {
  if (session.http2.destroyed) return
  recordSessionClose(session)
  const isAllSent = bytesQueued(session) === 0
  breakOffWhere(session, reason, (stream) => !isAllSent || !isSent(stream))
  for (const [stream, exchange] of session.streams) {
    if (exchange.cut) continue
    exchange.isEnded = true
    // Without an error the stream says NO_ERROR: the rest of the request's body is not wanted (RFC 9113 §8.1).
    stream.destroy()
  }
}

/** Breaks off only those streams whose answer the application has not ended. */
export function breakOffUnended(session: Session, reason: CloseReason): void {
  recordSessionClose(session)
  breakOffWhere(session, reason, ({ writableEnded }) => !writableEnded)
}

function breakOffWhere(session: Session, reason: CloseReason, isBroken: (stream: ServerHttp2Stream) => boolean): void {
  if (session.ending === undefined) conclude(session, reason, false)
  session.ending = reason
  for (const [stream, exchange] of session.streams) {
    if (exchange.cut || !isBroken(stream)) continue
    exchange.cut = true
    breakOff(stream)
  }
}

/** Whether nghttp2 has written the end of a stream's answer. */
function isSent(stream: ServerHttp2Stream): boolean {
  if (!stream.headersSent || !stream.writableFinished) return false
  const { state, localClose } = stream.state
  return localClose === 1 || (stream.closed && stream.rstCode === CODES.NO_ERROR && state === IDLE)
}

/** Resets a stream. `close` would end its output first, so that half a body would look whole. */
function breakOff(stream: ServerHttp2Stream): void {
  // The application may not listen for errors, and this one is ours.
  stream.on('error', ignoreError)
  stream.destroy(brokenOff())
}

/** An error with the code of Node's own streams that end before their time. */
export function brokenOff(): Error {
  return Object.assign(new Error('halfclose: the response was broken off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

export function ignoreError(): void {}

/** Ends the session of a client that costs more than it may: GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 §10.5), and no more answers. */
export function enhanceYourCalm(session: Session, reason: CloseReason): void {
  if (session.byPeer || session.http2.destroyed) return
  recordSessionClose(session)
  session.ending = reason
  session.closedFirst ??= 'server'
  session.byPeer = true
  setImmediate(() => {
    if (session.http2.destroyed) return
    session.http2.goaway(CODES.ENHANCE_YOUR_CALM, session.lastStream)
    for (const stream of session.streams.keys()) breakOff(stream)
    closeIfDone(session)
    boundFlush(session, session.owner.policy.linger.quiet)
  })
}

/** Destroys the socket. The missing END_STREAM shows that a response is unfinished. */
export function killSession(session: Session): void {
  if (session.released) return
  session.released = true
  session.closedFirst ??= 'server'
  const record = recordSessionClose(session)
  if (record !== undefined) recordSocket(record, session)
  destroyBy(session.patched, session.socket, undefined)
}

/** Destroys a session whose last bytes are not taken within the time. If the client takes some of them, the time starts anew. */
export function boundFlush(session: Session, ms = longestFlush(session)): void {
  if (!session.lingering) watchFlush(session, ms, { kernel: bytesTaken(session), peer: undefined, quiet: 0 })
}

/** The time is short for a client that was cut because it takes nothing, and for one that broke off: neither will read the GOAWAY or an answer. */
function longestFlush({ ending, byPeer, owner }: Session): number {
  const { quiet, total } = owner.policy.linger
  return byPeer || ending === 'stalled' || ending === 'half-closed' ? quiet : total
}

function watchFlush(session: Session, ms: number, before: Quiet): void {
  session.setTimer(ms, () => {
    const taken = session.owner.unacknowledged.takenBy(session)
    const next = stayQuiet(before, taken, session.socket.writableLength > 0, ms)
    if (next === undefined || next.peer === undefined) killSession(session)
    else watchFlush(session, Math.min(ms, session.owner.policy.linger.quiet), next)
  })
}
