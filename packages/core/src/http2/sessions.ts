import type { Http2Session, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { attempt } from '../events/error-boundary.js'
import type { ConnectionState } from '../events/types.js'
import type { Timer } from '../node/timers.js'
import { isTold } from '../policy.js'
import { Lingering } from '../socket/lingering-close.js'
import { noteControl, StalledSessions } from './abuse-limits.js'
import { clampGoaway, enhanceYourCalm, goAwayAfterPoll, killSession } from './goaway.js'
import { bindSession, CODES, type Http2Owner, Session } from './session.js'
import { nameErrors } from './session-errors.js'
import { takeOverSocket } from './session-socket.js'

/** How often halfclose looks at responses that wait for a window, in ms. */
const LOOK = 1_000
/** How long a new session waits at least for its first stream, in ms: a short hold is too short for that. */
const FIRST = 2_000

/** The HTTP/2 sessions of one server. */
export class Sessions {
  readonly #owner: Http2Owner
  readonly #open = new Map<Http2Session, Session>()
  readonly #lingering: Lingering<Session>
  readonly #stalled: StalledSessions
  #timer: Timer | undefined

  constructor(owner: Http2Owner) {
    this.#owner = owner
    this.#lingering = new Lingering(owner.policy.linger, owner.timers, owner.unacknowledged, killSession)
    this.#stalled = new StalledSessions(owner.policy.http2)
  }

  get size(): number {
    return this.#open.size
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#open.values()
  }

  of(http2: Http2Session | undefined): Session | undefined {
    return http2 === undefined ? undefined : this.#open.get(http2)
  }

  countInto(into: Record<ConnectionState, number>): void {
    for (const session of this.#open.values()) into[session.state]++
  }

  /** Node has begun a session on `socket`, and has not told the application yet. */
  admit(http2: ServerHttp2Session, socket: Socket, raw: Socket | undefined): void {
    const { policy, limits, counts } = this.#owner
    const session = new Session(http2, socket, raw, this.#owner)
    bindSession(socket, session)
    nameErrors(session)
    clampGoaway(session)
    takeOverSocket(session)
    this.#open.set(http2, session)
    counts.opened++
    if (policy.halfClosed > 0) socket.allowHalfOpen = true
    http2.on('ping', () => noteControl(session, 'ping'))
    // The first SETTINGS frame is part of the preface.
    http2.once('remoteSettings', () => http2.on('remoteSettings', () => noteControl(session, 'settings')))
    http2.on('goaway', (code) => {
      session.ending ??= 'client-close'
      if (code !== CODES.NO_ERROR) session.byPeer = true
    })
    limits.enter(session)
    if (!session.excess) this.#bound(session)
    this.#timer ??= this.#owner.timers.every(LOOK, () => this.#look(), { unref: true })
  }

  /** No stream is in flight: the hold begins. */
  goIdle(session: Session): void {
    if (session.released) return
    this.#bound(session)
    this.#owner.limits.idle(session)
  }

  linger(session: Session): void {
    this.#lingering.add(session, Number.POSITIVE_INFINITY, undefined, true)
    this.#owner.limits.leave(session)
  }

  /** Whether it was open. */
  delete(session: Session): boolean {
    if (!this.#open.delete(session.http2)) return false
    this.#lingering.delete(session)
    session.released = true
    session.clearTimer()
    if (this.#open.size > 0) return true
    this.#timer?.stop()
    this.#timer = undefined
    return true
  }

  /** While `leaving`: sends a GOAWAY to the sessions whose turn it is. */
  tellInTurn(left: number, leftAt: (at: number) => number): void {
    for (const session of this.#open.values()) {
      if (session.ending === undefined && isTold(session.share, left, leftAt(session.openedAt)))
        goAwayAfterPoll(session, 'draining', () => true)
    }
  }

  #bound(session: Session): void {
    const isIdle = () => session.streams.size === 0
    const { hold } = this.#owner.policy.http2
    session.setTimer(session.requests === 0 ? Math.max(hold, FIRST) : hold, () => goAwayAfterPoll(session, 'idle', isIdle))
  }

  #look(): void {
    for (const session of this.#stalled.among(this.#open.values(), this.#owner.timers.now))
      attempt(session, (one) => enhanceYourCalm(one, 'stalled'))
  }
}
