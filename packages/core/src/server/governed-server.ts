import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type Counts, count, type Events } from '../events/events.js'
import type { PromiseBreaker, ServerState } from '../events/types.js'
import type { Intercept, RequestEvent } from '../http/messages.js'
import { kill } from '../http1/close.js'
import { Unframed } from '../http1/close-delimited-body.js'
import type { Connection } from '../http1/connection.js'
import { noteEnd } from '../http1/end.js'
import { IdleTimeout } from '../http1/idle-timeout.js'
import { OpenConnections } from '../http1/open-connections.js'
import type { ConnectionOwner } from '../http1/owner.js'
import { forgetReading } from '../http1/pause-reading.js'
import { giveBack } from '../http1/socket-methods.js'
import { TcpKeepAlive } from '../http1/tcp-keep-alive.js'
import { dropWaiting, waitingBehind } from '../http1/waiting-requests.js'
import type { SessionOwner } from '../http2/owner.js'
import type { Session } from '../http2/session.js'
import { Sessions } from '../http2/sessions.js'
import type { AttachableServer } from '../node/attachable-server.js'
import type { Inherited } from '../node/server-kinds.js'
import { inheritedFrom, type KeepsAlive, keepsAlive } from '../node/server-kinds.js'
import { isPlainMessage } from '../node/status-message.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { Lingering } from '../socket/linger.js'
import { remoteOf } from '../socket/remote-address.js'
import { Handshakes } from '../socket/tls-handshakes.js'
import { CutJustNow } from './cut-just-now.js'
import type { DrainUnderWay } from './drain-under-way.js'
import { record } from './ended-connection.js'
import type { ConnectionLimits } from './limits.js'
import { ListeningState } from './listening-state.js'
import { policyLine } from './policy-line.js'
import { guard } from './stalled-peers.js'

/** One governed server: its policy, its connections and where its drain stands. */
export class GovernedServer implements ConnectionOwner<Connection>, SessionOwner<Session> {
  // What every request asks for comes first, so that it lies together in memory.
  phase: ServerState = 'serving'
  drain: DrainUnderWay | undefined = undefined
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
  readonly idleTimeout: IdleTimeout
  readonly connections = new OpenConnections()
  readonly handshakes: Handshakes
  readonly tcpKeepAlive: TcpKeepAlive
  readonly lingering: Lingering<Connection>
  readonly unframed = new Unframed()
  readonly sessions: Sessions
  requireHost = true
  /** The server's own settings, as they were or are set by somebody else. */
  inherited: Inherited
  /** What `server.emit` is while nobody has wrapped it. */
  emit: unknown = undefined
  readonly listener: ListeningState
  /** Takes a connection in ({@link admit}). */
  admit: (socket: Socket, raw: Socket | undefined) => void = () => {}
  /** Node has its parsers in its list. */
  isListed = false
  /** Whether a response is given its `statusMessage` early. */
  presetsMessage = isPlainMessage()
  readonly cutJustNow = new CutJustNow()
  #stopGuard: (() => void) | undefined

  constructor(
    readonly server: AttachableServer,
    public policy: Policy,
    readonly events: Events,
    readonly counts: Counts,
    readonly limits: ConnectionLimits,
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
    this.handshakes = new Handshakes(timers, limits)
    this.idleTimeout = new IdleTimeout(this)
    this.tcpKeepAlive = new TcpKeepAlive(this)
    this.listener = new ListeningState(server, timers)
    this.inherited = inheritedFrom(server)
    this.keepsAlive = keepsAlive(server) ? server : undefined
    this.shownBuffer = this.keepsAlive?.keepAliveTimeoutBuffer
    if (server.listening) this.#begin()
  }

  /** Nothing is open. */
  get isEmpty(): boolean {
    return this.connections.size === 0 && this.sessions.size === 0 && this.handshakes.size === 0
  }

  /** A request is being answered. */
  get isBusy(): boolean {
    for (const { current } of this.connections) if (current !== undefined) return true
    for (const { streams } of this.sessions) if (streams.size > 0) return true
    return false
  }

  /** Its connections have no addresses. */
  get listensOnPath(): boolean {
    return this.listener.isOnPath
  }

  get draining(): boolean {
    return this.phase === 'draining' || this.phase === 'drained'
  }

  /**
   * Where the drain stands for a connection opened at `openedAt`. One that was accepted while the listener is about to close is not told
   * close before it is closed: whoever has just come back from a close would come back again and again, and at last into the reset.
   */
  phaseFor(openedAt: number): ServerState {
    return this.phase === 'draining' &&
      this.server.listening &&
      this.drain !== undefined &&
      openedAt > Math.ceil(this.drain.since)
      ? 'leaving'
      : this.phase
  }

  /** In whole milliseconds, rounded so that what comes before a drain is before it, and what comes after is after it. */
  get now(): number {
    return this.drain === undefined ? Math.floor(performance.now()) : Math.ceil(performance.now())
  }

  /** When a request arrives: exactly in a drain, and up to a period of {@link IdleTimeout} early outside. */
  get arrival(): number {
    return this.drain === undefined ? this.idleTimeout.about : this.now
  }

  /** Milliseconds for which an idle connection will be kept. */
  keepable(): number {
    return this.drain === undefined ? Number.POSITIVE_INFINITY : this.drain.keepable()
  }

  /** While `leaving`: the part of the delay that is over. */
  left(): number {
    return this.phase === 'leaving' && this.drain !== undefined ? this.drain.left() : 0
  }

  /** A socket, or a stream, is another protocol's from now on. */
  upgraded(socket: Socket, method: string | undefined, target: string | undefined, protocol: string | undefined): void {
    if (!this.events.hears('upgrade')) return
    this.events.upgrade({ remote: remoteOf(socket, this), method: method ?? '', target: target?.split('?')[0] ?? '', protocol })
  }

  /** Its socket is another protocol's. */
  giveBack(connection: Connection): void {
    giveBack(connection.socket, connection)
  }

  nowListening(): void {
    this.#begin()
    // A drain that began while the address was still being looked up has found nothing to close.
    if (this.draining) this.listener.close()
    else this.events.routine('listening', { policy: this.policy }, policyLine(this.policy, this.server.address()))
  }

  /** It listens again after its drain. */
  revive(): void {
    this.listener.revive()
    this.phase = 'serving'
    this.drain = undefined
    this.nowListening()
  }

  /** It listens. */
  #begin(): void {
    this.listener.began()
    const { connections, minRate, stalled } = this.policy.limits
    this.limits.pressure.listening(connections !== false)
    if (minRate !== false || stalled !== false) this.#stopGuard ??= guard(this)
  }

  nowClosed(): void {
    this.#stopGuard?.()
    this.#stopGuard = undefined
    if (this.connections.size === 0) {
      this.idleTimeout.stop()
      this.handshakes.stop()
      this.tcpKeepAlive.stop()
    }
    this.listener.closed()
  }

  /** A promise of this server was broken: over its life, and in its drain. */
  broke(promise: PromiseBreaker): void {
    count(this.counts.promisesBroken, promise)
    this.drain?.broke(promise)
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
      if (this.drain === undefined) this.cutJustNow.note(lost)
      else this.drain.wasCut(lost)
    }
  }

  closed(connection: Connection): void {
    if (!this.connections.delete(connection)) return
    this.lingering.delete(connection)
    this.limits.leave(connection)
    this.limits.pressure.gone(connection)
    connection.clearTimers()
    forgetReading(connection)
    this.brokeOff(connection)
    dropWaiting(connection)
    record(this, connection, connection.ending ?? (connection.phase === 'upgraded' ? 'upgraded' : 'peer'))
  }

  sessionClosed(session: Session): void {
    this.sessions.delete(session)
    this.limits.leave(session)
    this.limits.pressure.gone(session)
    session.byPeer ||= session.ending === undefined
    record(this, session, session.ending ?? session.notice ?? 'peer')
  }
}

/** The client went away, or what it sent could not be read: nobody waits for the answer. */
function isGivenUp({ ending, rare: { byPeer } }: Connection): boolean {
  return byPeer || ending === undefined || ending === 'peer' || ending === 'half-closed' || ending === 'error'
}
