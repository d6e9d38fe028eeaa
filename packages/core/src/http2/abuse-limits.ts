import type { ServerHttp2Stream } from 'node:http2'
import { performance } from 'node:perf_hooks'
import { bytesQueued, bytesTaken } from '../node/socket-handle.js'
import type { Http2Policy } from '../options/types.js'
import { enhanceYourCalm } from './goaway.js'
import type { Session } from './session.js'

/** Resets per second that do not count. */
const FORGIVEN = 50
/** The window in which control frames are counted, in ms. */
const WINDOW = 10_000
/** The length of a PING frame, and that of a PING with its acknowledgement. */
const PING = 17
const ANSWERED = 2 * PING
/** Bytes are read in pieces of this size, and counted before the frames in them are reported. */
const READ = 65_536
/** The longest SETTINGS frame: Node accepts 32 entries at most. The acknowledgement has none. */
const SETTINGS = 9 + 6 * 32
const SETTINGS_ACK = 9
/** What TLS adds to a frame that is sent by itself, at most. */
const RECORD = 40
/** Bytes that may be sent without counting as progress: an acknowledgement that is on its way, a GOAWAY. */
const SLACK = 20 * PING

/**
 * The client reset a stream before it was answered. That costs the client nothing and the server a handler, so it is bounded (CVE-2023-44487, "rapid
 * reset").
 */
export function noteReset(session: Session): void {
  const { resets } = session.owner.policy.http2
  if (resets === false || session.byPeer) return
  const now = performance.now()
  session.resets = Math.max(0, session.resets - ((now - session.resetsAt) * FORGIVEN) / 1_000) + 1
  session.resetsAt = now
  if (session.resets > resets) enhanceYourCalm(session, 'flood')
}

/**
 * Counts a PING or SETTINGS frame, each of which the server must answer (CVE-2019-9512, CVE-2019-9515). Clients that measure the round trip send
 * many, but beside data: it is a flood if most of the input is control frames.
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
  if (bytesOf(session) - session.controlBytes < 2 * ANSWERED * session.control + READ) enhanceYourCalm(session, 'flood')
  else session.control = 0
}

function bytesOf({ socket }: Session): number {
  return socket.bytesRead + socket.bytesWritten
}

/** Node 20 does not report that nghttp2 has ended a session; 22 and later do. */
const IS_SILENT = process.version.startsWith('v20.')

/**
 * Bytes per second that a session has to take of its responses. Less counts as nothing, since a client can open its window by a few bytes at no cost.
 */
const TRICKLE = 240

/** Sessions whose responses wait for a window that their clients do not open (CVE-2019-9517), or open by a few bytes at a time. */
export class StalledSessions {
  readonly #longest: number
  readonly #since = new WeakMap<Session, { at: number; bytes: number; taken: number | undefined }>()
  /** When something was last read, and what had been written when nothing had come for long. */
  readonly #read = new WeakMap<Session, { bytes: number; at: number; written: number | undefined }>()

  constructor({ stalled }: Http2Policy) {
    this.#longest = stalled === false ? Number.POSITIVE_INFINITY : stalled
  }

  /** The sessions that have taken nothing, or hardly anything, for as long as is granted. */
  among(sessions: Iterable<Session>, now: number): Session[] {
    const over: Session[] = []
    for (const session of sessions)
      if (this.#isOver(session, now) || (IS_SILENT && this.#isDead(session, now))) over.push(session)
    return over
  }

  /**
   * nghttp2 has ended it for a frame that may not come (DATA on stream 0): it reads and writes nothing more, so that no stream ever ends. Where nothing has
   * come for long a PING shows it, which then does not go out.
   */
  #isDead(session: Session, now: number): boolean {
    const { socket, http2, streams } = session
    const { bytesRead: bytes, bytesWritten } = socket
    const before = this.#read.get(session)
    if (before === undefined || before.bytes !== bytes || streams.size === 0) {
      this.#read.set(session, { bytes, at: now, written: undefined })
      return false
    }
    if (before.written !== undefined) return before.written === bytesWritten && bytesQueued(session) === 0
    if (now - before.at >= this.#longest && !http2.destroyed && http2.ping(() => {})) before.written = bytesWritten
    return false
  }

  #isOver(session: Session, now: number): boolean {
    const { streams } = session
    const before = this.#since.get(session)
    let waits = false
    for (const stream of streams.keys()) waits ||= isHeldUp(stream)
    if (!waits) {
      if (before !== undefined) this.#since.delete(session)
      return false
    }
    // The server's answers to the client's control frames are no progress.
    const bytes = bytesTaken(session) - session.answered
    const enough = SLACK + (TRICKLE * this.#longest) / 1_000
    if (before === undefined || bytes - before.bytes > enough) {
      this.#since.set(session, { at: now, bytes, taken: undefined })
      return false
    }
    if (now - before.at < this.#longest / 2) return false
    // Our own kernel has taken hardly anything. It may have taken much before, and the client may be taking that.
    const taken = bytes - (session.owner.unacknowledged.of(session) ?? 0)
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

/** Whether output waits for the client. Node pipes a file past the stream, which then looks finished; nghttp2 has not seen its end. */
export function isHeldUp(stream: ServerHttp2Stream): boolean {
  if (stream.destroyed) return false
  if (!stream.writableEnded) return stream.writableLength > 0
  return !stream.writableFinished || (!stream.closed && stream.state.localClose === 0)
}
