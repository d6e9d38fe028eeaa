import type { ServerHttp2Stream } from 'node:http2'
import { performance } from 'node:perf_hooks'
import { bytesTaken } from '../node/socket-handle.js'
import type { Http2Policy } from '../options/types.js'
import { Unacknowledged } from '../socket/unacknowledged-bytes.js'
import { calm } from './goaway.js'
import type { Session } from './session.js'

/** Resets forgiven, per second. */
const FORGIVEN = 50
/** The window in which control frames are counted, in ms. */
const WINDOW = 10_000
/** A PING, and its acknowledgement. */
const PING = 17
const ANSWERED = 2 * PING
/** Bytes are read this many at a time, and counted before the frames among them are told. */
const READ = 65_536
/** A SETTINGS at its longest: Node takes 32 entries at most. Its acknowledgement has none. */
const SETTINGS = 9 + 6 * 32
const SETTINGS_ACK = 9
/** What TLS adds to a frame that is sent by itself, at most. */
const RECORD = 40
/** Bytes that may be sent without any progress: an acknowledgement that is on its way, a GOAWAY. */
const SLACK = 20 * PING

/** The client gave a stream up before it was answered, which costs it nothing and us a handler: bounded (CVE-2023-44487, "rapid reset"). */
export function noteReset(session: Session): void {
  const { resets } = session.owner.policy.http2
  if (resets === false || session.byPeer) return
  const now = performance.now()
  session.resets = Math.max(0, session.resets - ((now - session.resetsAt) * FORGIVEN) / 1_000) + 1
  session.resetsAt = now
  if (session.resets > resets) calm(session, 'flood')
}

/**
 * A PING or SETTINGS, each of which we must answer (CVE-2019-9512, CVE-2019-9515). Clients that measure the round trip send many, but
 * beside data: a flood is what is mostly control frames.
 */
export function noteControl(session: Session, kind: 'ping' | 'settings'): void {
  const { control } = session.owner.policy.http2
  session.controlled += kind === 'ping' ? PING : SETTINGS
  session.answered += (kind === 'ping' ? PING : SETTINGS_ACK) + (session.raw === undefined ? 0 : RECORD)
  if (control === false) return
  const now = performance.now()
  if (session.control === 0 || now - session.controlAt > WINDOW) {
    session.control = 0
    session.controlAt = now
    session.controlBytes = bytesOf(session)
  }
  session.control++
  if (session.control <= control) return
  if (bytesOf(session) - session.controlBytes < 2 * ANSWERED * session.control + READ) calm(session, 'flood')
  else session.control = 0
}

function bytesOf({ socket }: Session): number {
  return socket.bytesRead + socket.bytesWritten
}

/** Bytes per second that a session takes of its responses at least: less is a trickle, which a client can send windows for at no cost. */
const TRICKLE = 240

/** Sessions whose responses wait for a window that their clients do not open (CVE-2019-9517), or open by a few bytes at a time. */
export class Waits {
  readonly #longest: number
  readonly #since = new WeakMap<Session, { at: number; bytes: number; taken: number | undefined }>()

  constructor({ stalled }: Http2Policy) {
    this.#longest = stalled === false ? Number.POSITIVE_INFINITY : stalled
  }

  /** Those that have not taken what is due, or hardly anything of it, for as long as is granted. Asked of all of them in one look. */
  among(sessions: Iterable<Session>, now: number): Session[] {
    const queues = new Unacknowledged()
    const over: Session[] = []
    for (const session of sessions) if (this.#isOver(session, now, queues)) over.push(session)
    return over
  }

  #isOver(session: Session, now: number, queues: Unacknowledged): boolean {
    const { streams } = session
    const before = this.#since.get(session)
    let waits = false
    for (const stream of streams.keys()) waits ||= isHeldUp(stream)
    if (!waits) {
      if (before !== undefined) this.#since.delete(session)
      return false
    }
    // What the client makes us answer is no progress.
    const bytes = bytesTaken(session) - session.answered
    const enough = SLACK + (TRICKLE * this.#longest) / 1_000
    if (before === undefined || bytes - before.bytes > enough) {
      this.#since.set(session, { at: now, bytes, taken: undefined })
      return false
    }
    if (now - before.at < this.#longest / 2) return false
    // Our own kernel has taken hardly anything: perhaps since it has taken much before, of which the client takes something.
    const taken = bytes - (queues.of(session) ?? 0)
    if (before.taken === undefined) {
      this.#since.set(session, { ...before, taken })
      return false
    }
    if (now - before.at < this.#longest) return false
    if (taken - before.taken <= enough / 2) return true
    this.#since.set(session, { at: now, bytes, taken: undefined })
    return false
  }
}

/** Something is there for the client that has not been sent. Node pipes a file past the stream, which looks finished; nghttp2 has not seen its end. */
export function isHeldUp(stream: ServerHttp2Stream): boolean {
  if (stream.destroyed) return false
  if (!stream.writableEnded) return stream.writableLength > 0
  return !stream.writableFinished || (!stream.closed && stream.state.localClose === 0)
}
