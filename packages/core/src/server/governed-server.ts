import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerHttp2Session } from 'node:http2'
import { Server as NetServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import { type Counts, count, type Events } from '../events/events.js'
import type { CloseReason, PromiseBreaker, ServerState } from '../events/types.js'
import type { Intercept, RequestEvent } from '../http/messages.js'
import { kill } from '../http1/close.js'
import { Unframed } from '../http1/close-delimited-body.js'
import { Connection } from '../http1/connection.js'
import { bind, connectionOf, kConnection, type SocketCarrier } from '../http1/connection-of.js'
import { noteEnd } from '../http1/end.js'
import { onLateEnd } from '../http1/half-closed.js'
import { Expiry } from '../http1/idle-timeout.js'
import { Registry } from '../http1/open-connections.js'
import type { ConnectionOwner } from '../http1/owner.js'
import { forgetReading } from '../http1/pause-reading.js'
import { giveBack, takeOver } from '../http1/socket-methods.js'
import { Probes } from '../http1/tcp-keep-alive.js'
import { leaveToOther } from '../http1/upgrade.js'
import { dropWaiting, waitingBehind } from '../http1/waiting-requests.js'
import type { SessionOwner } from '../http2/owner.js'
import type { Session } from '../http2/session.js'
import { Sessions } from '../http2/sessions.js'
import { knowsMessages } from '../node/parser.js'
import type { AttachableServer, Inherited } from '../node/server-kinds.js'
import { inheritedFrom, type KeepsAlive, keepsAlive } from '../node/server-kinds.js'
import { isPlainMessage } from '../node/status-message.js'
import type { Timer, Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { expiryOf } from '../policy.js'
import { Lingering } from '../socket/linger.js'
import { remoteOf } from '../socket/remote-address.js'
import { Handshakes } from '../socket/tls-handshakes.js'
import { closeEvent } from './close-event.js'
import type { DrainUnderWay } from './drain-under-way.js'
import type { Capacity } from './limits.js'
import { policyLine } from './policy-line.js'
import { guard } from './stalled-peers.js'

/** One governed server: its policy, its connections and where its drain stands. */
export class Site implements ConnectionOwner<Connection>, SessionOwner<Session> {
  // What every request asks for comes first, so that it lies together in memory.
  phase: ServerState = 'serving'
  run: DrainUnderWay | undefined = undefined
  /** Requests are not just let through: there is a route of ours, or a limit of idle connections. */
  readonly isDemanding: boolean
  /** The server, where it has settings of HTTP/1.1; and what it was told last. */
  readonly keepsAlive: KeepsAlive | undefined
  shownTimeout = 0
  shownBuffer: number | undefined = undefined
  /** Of the policy: see {@link printablePromise}; and what Node prints as `timeout=` by itself, in milliseconds. */
  printable: number | undefined = undefined
  printed = 0
  /** Takes over what the application has changed of its settings. */
  follow: () => void = () => {}
  /** Whether the application listens for CONNECT. */
  takesTunnels: () => boolean = () => false
  readonly expiry: Expiry
  readonly registry = new Registry()
  readonly handshakes: Handshakes
  readonly probes: Probes
  readonly lingering: Lingering<Connection>
  readonly unframed = new Unframed()
  readonly sessions: Sessions
  requireHost = true
  /** The server's own settings, as they were or are set by somebody else. */
  inherited: Inherited
  /** It listens on a descriptor that it was given (systemd, a parent process): others may accept from the same queue. */
  sharesListener = false
  /** It listens on a path: its connections have no addresses. */
  listensOnPath = false
  /** listen() was called after its drain. */
  listensAnew = false
  /** It has listened at least once. */
  listened: boolean
  /** It has got connections that it did not accept: others listen for it, and pass them on by `server.emit('connection', socket)`. */
  isFed = false
  /** What `server.emit` is while nobody has wrapped it. */
  emit: unknown = undefined
  /** Closes the listener, and nothing else: Node's, or by a method of others that stands before it. */
  closeListener: () => void
  /** That is under way. */
  closesListener = false
  /** Its next 'close' event is an artefact of ours. */
  muteClose = false
  /** Whether a response is given its `statusMessage` early. */
  presetsMessage = isPlainMessage()
  #cutJustNow = 0
  #isListed = false
  #isClosed = false
  #stopGuard: (() => void) | undefined
  #onClosed: (() => void) | undefined

  constructor(
    readonly server: AttachableServer,
    public policy: Policy,
    readonly events: Events,
    readonly counts: Counts,
    readonly capacity: Capacity,
    readonly timers: Timers,
    readonly intercept: Intercept | undefined,
    /** Hands an event on to whoever would have had it without us. */
    readonly forward: (event: string, args: readonly unknown[]) => boolean,
    /** The same for a request: without an array, and by a name that V8 knows. */
    readonly forwardRequest: (event: RequestEvent, req: IncomingMessage, res: ServerResponse) => boolean,
    /** The same for a connection. */
    readonly forwardConnection: (socket: Socket) => boolean,
  ) {
    this.isDemanding = intercept !== undefined || policy.limits.idle !== false
    this.lingering = new Lingering(policy.linger, timers, kill)
    this.sessions = new Sessions(this)
    this.handshakes = new Handshakes(timers, capacity)
    this.expiry = new Expiry(this)
    this.probes = new Probes(this)
    this.listened = server.listening
    this.closeListener = () => void NetServer.prototype.close.call(server)
    this.inherited = inheritedFrom(server)
    this.keepsAlive = keepsAlive(server) ? server : undefined
    this.shownBuffer = this.keepsAlive?.keepAliveTimeoutBuffer
    if (server.listening) this.#begin()
  }

  /** Nothing is open. */
  get isEmpty(): boolean {
    return this.registry.size === 0 && this.sessions.size === 0 && this.handshakes.size === 0
  }

  /** A request is being answered. */
  get isBusy(): boolean {
    for (const { current } of this.registry) if (current !== undefined) return true
    for (const { streams } of this.sessions) if (streams.size > 0) return true
    return false
  }

  /** Its 'close' event has come, or comes now. */
  get hasClosed(): boolean {
    return this.#isClosed
  }

  get draining(): boolean {
    return this.phase === 'draining' || this.phase === 'drained'
  }

  /**
   * Where the drain stands for a connection opened at `openedAt`. One that was accepted while the listener is about to close is not told
   * close before it is closed: whoever has just come back from a close would come back again and again, and at last into the reset.
   */
  phaseFor(openedAt: number): ServerState {
    return this.phase === 'draining' && this.server.listening && this.run !== undefined && openedAt > Math.ceil(this.run.since)
      ? 'leaving'
      : this.phase
  }

  /** In whole milliseconds, rounded so that what comes before a drain is before it, and what comes after is after it. */
  get now(): number {
    return this.run === undefined ? Math.floor(performance.now()) : Math.ceil(performance.now())
  }

  /** When a request arrives: exactly in a drain, and up to a period of {@link Expiry} early outside. */
  get arrival(): number {
    return this.run === undefined ? this.expiry.about : this.now
  }

  /** Milliseconds for which an idle connection will be kept. */
  keepable(): number {
    return this.run === undefined ? Number.POSITIVE_INFINITY : this.run.keepable()
  }

  /** While `leaving`: the part of the delay that is over. */
  left(): number {
    return this.phase === 'leaving' && this.run !== undefined ? this.run.left() : 0
  }

  /** A session that Node has just begun on `socket`. */
  admitSession(http2: ServerHttp2Session, socket: Socket, raw: Socket | undefined): void {
    if (socket.destroyed) return
    if (this.events.hearsClose) remoteOf(socket, this)
    this.sessions.admit(http2, socket, raw)
    socket.setNoDelay(this.policy.tcp.noDelay)
    this.probes.enable(socket)
  }

  /** A socket, or a stream, is another protocol's from now on. */
  upgraded(socket: Socket, method: string | undefined, target: string | undefined, protocol: string | undefined): void {
    if (!this.events.hears('upgrade')) return
    this.events.upgrade({ remote: remoteOf(socket, this), method: method ?? '', target: target?.split('?')[0] ?? '', protocol })
  }

  /** What is neither HTTP/1.1 nor HTTP/2 on an http2 server: Node, or an 'unknownProtocol' listener, deals with it. */
  admitForeign(socket: Socket, raw: Socket | undefined): void {
    this.admit(socket, raw)
    const connection = connectionOf(socket)
    if (connection !== undefined) leaveToOther(connection)
  }

  /** A connection on which HTTP/1 may be spoken. Node has set it up already. */
  admit(socket: Socket & SocketCarrier, raw: Socket | undefined): void {
    if (socket.destroyed) return
    const before = socket[kConnection]
    if (before !== undefined) {
      // A listener has passed it on to another server of ours, whose connection it is now.
      if (before.phase !== 'upgraded') return
      // `server.emit('connection', socket)` for one that was upgraded: a new life on the same socket.
      before.site.closed(before)
    }
    if (this.events.hearsClose) remoteOf(socket, this)
    const now = performance.now()
    const connection = new Connection(socket, raw, this, now, expiryOf(this.policy.keepAlive, now, Math.random()))
    bind(socket, connection)
    this.registry.add(connection)
    this.counts.opened++
    this.#isListed ||= knowsMessages(this.server)
    if (!this.#isListed) connection.makeRare().unlisted = true
    takeOver(connection)
    // Over TLS Node would answer the client's close_notify with its own at once.
    if (this.policy.halfClosed > 0) socket.allowHalfOpen = true
    socket.setNoDelay(this.policy.tcp.noDelay)
    this.probes.enableIfSilent(socket)
    // Somebody has read it before, and with what is buffered perhaps its end.
    if (socket.readableLength > 0) socket.once('end', onLateEnd)
    this.capacity.enter(connection)
  }

  /** Its socket is another protocol's. */
  giveBack(connection: Connection): void {
    giveBack(connection.socket, connection)
  }

  nowListening(): void {
    this.listened = true
    this.#begin()
    // A drain that began while the address was still being looked up has found nothing to close.
    if (this.draining) this.closeListener()
    else this.events.routine('listening', { policy: this.policy }, policyLine(this.policy, this.server.address()))
  }

  /** It listens again after its drain. */
  revive(): void {
    this.listensAnew = false
    this.phase = 'serving'
    this.run = undefined
    this.muteClose = false
    this.#isClosed = false
    this.nowListening()
  }

  /** It listens. */
  #begin(): void {
    this.listensOnPath = typeof this.server.address() === 'string'
    const { connections, minRate, stalled } = this.policy.limits
    this.capacity.pressure.listening(connections !== false)
    if (minRate !== false || stalled !== false) this.#stopGuard ??= guard(this)
  }

  nowClosed(): void {
    this.#stopGuard?.()
    this.#stopGuard = undefined
    if (this.registry.size === 0) {
      this.expiry.stop()
      this.handshakes.stop()
      this.probes.stop()
    }
    this.#isClosed = true
    this.#onClosed?.()
  }

  /** Waits for the server's 'close' event; resolves to whether it came in time. */
  async closedWithin(ms: number): Promise<boolean> {
    if (this.#isClosed) return true
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve
      timer = this.timers.after(ms, resolve)
    })
    timer?.stop()
    return this.#isClosed
  }

  /** Whether this is one connection too many that is dropped at once. */
  turnsAway(socket: Socket): boolean {
    if (!this.capacity.drops(socket)) return false
    this.counts.refused[this.capacity.limitOver(socket)]++
    socket.destroy()
    return true
  }

  /** A promise of this server was broken: over its life, and in its drain. */
  broke(promise: PromiseBreaker): void {
    count(this.counts.promisesBroken, promise)
    this.run?.broke(promise)
  }

  /** A TLS handshake begins on what has just been accepted; false: it was dropped. */
  beginHandshake(raw: Duplex): boolean {
    if (this.handshakes.begin(raw, () => this.run?.check())) return true
    this.counts.refused[this.capacity.limitOver(raw)]++
    raw.destroy()
    return false
  }

  /** Counts the request that is being answered, if there is one, as never to be finished. */
  brokeOff(connection: Connection): void {
    const { current } = connection
    if (current === undefined) return
    noteEnd(connection)
    connection.current = undefined
    this.unframed.delete(connection)
    // On one connection too many it was not counted as received.
    if (connection.excess) return
    if (isGivenUp(connection)) this.counts.aborted++
    else {
      this.counts.cut++
      const lost = 1 + waitingBehind(connection, current)
      if (this.run === undefined) this.#noteCut(lost)
      else this.run.wasCut(lost)
    }
  }

  /** A listener of a signal may destroy connections before it, or the next one, calls drain(): the drain takes that for its own. */
  #noteCut(lost: number): void {
    const isFirst = this.#cutJustNow === 0
    this.#cutJustNow += lost
    if (!isFirst) return
    process.nextTick(() => {
      this.#cutJustNow = 0
    })
  }

  /** A drain begins: how many requests were cut in the same tick. */
  takeCut(): number {
    const cut = this.#cutJustNow
    this.#cutJustNow = 0
    return cut
  }

  closed(connection: Connection): void {
    if (!this.registry.delete(connection)) return
    this.lingering.delete(connection)
    this.capacity.leave(connection)
    this.capacity.pressure.gone(connection)
    connection.clearTimers()
    forgetReading(connection)
    this.brokeOff(connection)
    dropWaiting(connection)
    this.#record(connection, connection.ending ?? (connection.phase === 'upgraded' ? 'upgraded' : 'peer'))
  }

  sessionClosed(session: Session): void {
    this.sessions.delete(session)
    this.capacity.leave(session)
    this.capacity.pressure.gone(session)
    session.byPeer ||= session.ending === undefined
    this.#record(session, session.ending ?? session.notice ?? 'peer')
  }

  #record(closed: Connection | Session, reason: CloseReason): void {
    const { requests, closedFirst, ending } = closed
    const { counts, events } = this
    const first = closedFirst ?? (ending === undefined ? 'peer' : 'server')
    counts.closed++
    if (requests > 0) {
      counts.used++
      counts.carried += requests
    }
    counts.closedFirst[first]++
    count(counts.closes, reason)
    this.run?.closed(reason)
    if (events.hearsClose) this.#tellClosed(closed, reason, first)
  }

  /** Apart: its closure would cost every connection that ends a context, where nobody listens too. */
  #tellClosed(closed: Connection | Session, reason: CloseReason, first: 'server' | 'peer'): void {
    const event = closeEvent(closed, reason, first, remoteOf(closed.socket, this))
    this.timers.inRoot(() => this.events.close(event))
  }
}

/** The client went away, or what it sent could not be read: nobody waits for the answer. */
function isGivenUp({ ending, rare: { byPeer } }: Connection): boolean {
  return byPeer || ending === undefined || ending === 'peer' || ending === 'half-closed' || ending === 'error'
}
