import type { ServerHttp2Stream } from 'node:http2'
import { attempt } from '../events/attempt.js'
import type { CloseReason } from '../events/types.js'
import { destroyBy } from '../node/own-methods.js'
import { bytesQueued, bytesTaken, writeBeside } from '../node/socket-handle.js'
import { afterPoll } from '../node/timers.js'
import { lookLast } from '../socket/last-look.js'
import { type Quiet, stayQuiet } from '../socket/stalled-reader.js'
import { Unacknowledged } from '../socket/unacknowledged-bytes.js'
import { noteSessionEnd } from './end.js'
import { CODES, IDLE, type Session } from './session.js'

/**
 * Ends a session as RFC 9113 §6.8 has it: a GOAWAY with the last stream that was handed over, so that the client knows which of its
 * streams were never run; those in flight are answered; then the output is shut, and what still arrives is read and discarded.
 *
 * Not by `http2.close()` before the last stream is done: between the two Node refuses streams by itself, within nghttp2, which then reads
 * memory that it has freed (Node 20: the process aborts). `amid`: frames are being read, so that it must wait; else it goes out at once,
 * since streams that arrive in between would be refused.
 */
export function leave(session: Session, reason: CloseReason, amid = false): void {
  if (session.ending !== undefined || session.http2.destroyed) return
  if (mayBeTold(session, reason)) {
    if (session.notice === undefined) giveNotice(session, reason)
    return
  }
  conclude(session, reason, amid)
}

function conclude(session: Session, reason: CloseReason, amid: boolean): void {
  if (session.ending !== undefined || session.http2.destroyed) return
  if (session.streams.size === 0) noteSessionEnd(session)
  session.ending = session.notice ?? reason
  session.closedFirst ??= 'server'
  // The timer of a half-closed client goes on.
  if (!session.inputEnded) session.clearTimer()
  if (amid) setImmediate(attempt, session, announce)
  else announce(session)
}

/** How long a client may take to answer that it has seen the notice, and how long its socket may be busy before that, in ms. */
const NOTICE = 1_000
/** How often a busy socket is tried again, in ms. */
const AGAIN = 20

/**
 * The first of the two GOAWAYs of RFC 9113 §6.8: "open no more", before it is said which stream was the last. What crosses it is still
 * run, so that nothing is lost to a client that asks nothing again (HAProxy). The second one follows when the client has answered a PING,
 * which comes behind all that it sent before. nghttp2's own is not exposed, so the frame is written beside it, between two of its writes.
 */
function giveNotice(session: Session, reason: CloseReason): void {
  session.notice = reason
  tryNotice(session, reason, session.owner.timers.now + NOTICE)
}

function tryNotice(session: Session, reason: CloseReason, until: number): void {
  if (session.ending !== undefined || session.http2.destroyed) return
  const written = writeBeside(session.socket, NOTICE_FRAME)
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

/** GOAWAY on stream 0: the highest id there is, NO_ERROR. */
const NOTICE_FRAME = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])

/** Not where the client has gone, where it takes too much, or where the limit is reached. */
function mayBeTold({ http2, socket, inputEnded }: Session, reason: CloseReason): boolean {
  if (http2.encrypted !== false || inputEnded || !socket.writable) return false
  return reason === 'draining' || reason === 'idle' || reason === 'max-age' || reason === 'no-keep-alive' || reason === 'handler'
}

/** `http2.close` says one more GOAWAY, up to the last stream that was read, be it refused: that may not grow (RFC 9113 §6.8). */
export function clampGoaway(session: Session): void {
  const { http2 } = session
  const { goaway } = http2
  const clamped = (code?: number, last?: number, data?: NodeJS.ArrayBufferView): void => {
    Reflect.apply(goaway, http2, [code, last ?? (session.ending === undefined ? undefined : session.lastStream), data])
  }
  Object.assign(http2, { goaway: clamped })
}

function announce(session: Session): void {
  if (session.http2.destroyed) return
  session.http2.goaway(CODES.NO_ERROR, session.lastStream)
  closeIfDone(session)
  // Its stream may never close: Node 20 forgets one that its client resets with NO_ERROR, and a session whose frames cannot be read.
  if (session.excess) boundFlush(session)
}

/** Behind the GOAWAY, when the last stream is done. Whoever does not read our last bytes holds nothing for longer than `linger.total`. */
export function closeIfDone(session: Session): void {
  if (session.streams.size > 0 || session.lingering || session.http2.destroyed) return
  session.http2.close()
  if (!session.inputEnded || session.owner.policy.halfClosed === 0) boundFlush(session)
}

/** The same, after one more turn of the poll phase: streams that have reached the kernel are answered. `still`: whether it holds then. */
export function leaveAfterPoll(session: Session, reason: CloseReason, still: (session: Session) => boolean): void {
  afterPoll(() => {
    if (still(session)) leave(session, reason)
  })
}

/** Breaks off the streams in flight, each so that its client can tell, and ends the session. Answers that are sent whole are not lost by it. */
export function cutSession(session: Session, reason: CloseReason): void {
  if (session.http2.destroyed) return
  noteSessionEnd(session)
  const isAllSent = bytesQueued(session) === 0
  breakOffWhere(session, reason, (stream) => !isAllSent || !isSent(stream))
  for (const [stream, exchange] of session.streams) {
    if (exchange.cut) continue
    exchange.isEnded = true
    // Without an error this says NO_ERROR: the rest of its body is not wanted (RFC 9113 §8.1).
    stream.destroy()
  }
}

/** The same, but only of streams whose answer the application has not ended. */
export function breakOffUnended(session: Session, reason: CloseReason): void {
  noteSessionEnd(session)
  breakOffWhere(session, reason, ({ writableEnded }) => !writableEnded)
}

function breakOffWhere(session: Session, reason: CloseReason, isBroken: (stream: ServerHttp2Stream) => boolean): void {
  if (session.ending === undefined) leave(session, reason)
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

/** Resets a stream. Not by `close`, which ends its output first: half a body would look whole. */
function breakOff(stream: ServerHttp2Stream): void {
  // The application may not listen, and the error is ours.
  stream.on('error', ignoreError)
  stream.destroy(brokenOff())
}

/** With the code that Node's own streams have where one ends before its time. */
export function brokenOff(): Error {
  return Object.assign(new Error('halfclose: the response was broken off'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

export function ignoreError(): void {}

/** For a peer that costs more than it may: GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 §10.5), and no answers any more. */
export function calm(session: Session, reason: CloseReason): void {
  if (session.byPeer || session.http2.destroyed) return
  noteSessionEnd(session)
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

/** Lets go of the socket. With a response unfinished, the missing END_STREAM shows it. */
export function killSession(session: Session): void {
  if (session.released) return
  session.released = true
  session.closedFirst ??= 'server'
  const end = noteSessionEnd(session)
  if (end !== undefined) lookLast(end, session)
  destroyBy(session.own, session.socket, undefined)
}

/** Lets go of a session whose last bytes are not taken. One whose client takes something of them in that time is looked at again. */
export function boundFlush(session: Session, ms = longestFlush(session)): void {
  if (!session.lingering) watchFlush(session, ms, { kernel: bytesTaken(session), peer: undefined, quiet: 0 })
}

/** A client that was cut since it takes nothing will hardly take the GOAWAY, and one that broke off or was at fault waits for no answer. */
function longestFlush({ ending, byPeer, owner }: Session): number {
  const { quiet, total } = owner.policy.linger
  return byPeer || ending === 'stalled' || ending === 'half-closed' ? quiet : total
}

function watchFlush(session: Session, ms: number, before: Quiet): void {
  session.setTimer(ms, () => {
    const next = stayQuiet(before, new Unacknowledged().takenBy(session), session.socket.writableLength > 0, ms)
    if (next === undefined || next.peer === undefined) killSession(session)
    else watchFlush(session, Math.min(ms, session.owner.policy.linger.quiet), next)
  })
}
