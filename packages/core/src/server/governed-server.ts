import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { type Counts, count, type Events } from '../events/events.js'
import type { PromiseBreaker, ServerState } from '../events/types.js'
import { kill } from '../http1/close.js'
import { CloseDelimitedBodies } from '../http1/close-delimited-body.js'
import type { Connection } from '../http1/connection.js'
import type { ConnectionOwner } from '../http1/connection-owner.js'
import { IdleTimeout } from '../http1/idle-timeout.js'
import { OpenConnections } from '../http1/open-connections.js'
import { forgetReading } from '../http1/pause-reading.js'
import { recordClose } from '../http1/record-close.js'
import { restoreSocket } from '../http1/socket-methods.js'
import { TcpKeepAlive } from '../http1/tcp-keep-alive.js'
import { dropWaiting, waitingBehind } from '../http1/waiting-requests.js'
import type { Session } from '../http2/session.js'
import type { SessionOwner } from '../http2/session-owner.js'
import { Sessions } from '../http2/sessions.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { type Inherited, inheritedFrom, type KeepsAlive, keepsAlive } from '../node/server-kinds.js'
import type { Timers } from '../node/timers.js'
import { isPlainMessage } from '../node/v8-status-message.js'
import type { Policy } from '../options/types.js'
import { Lingering } from '../socket/lingering-close.js'
import { remoteOf } from '../socket/remote-address.js'
import { Handshakes } from '../socket/tls-handshakes.js'
import { UnacknowledgedBytes } from '../socket/unacknowledged-bytes.js'
import type { ConnectionLimits } from './connection-limits.js'
import { CutBeforeDrain } from './cut-before-drain.js'
import type { DrainUnderWay } from './drain-under-way.js'
import { reportEnded } from './ended-connection.js'
import { type Forwarders, forwardersOf } from './forward-to-application.js'
import { ListeningState } from './listening-state.js'
import { policyLine } from './policy-line.js'
import type { SharedContext } from './shared-context.js'
import { watchForStalledPeers } from './stalled-peers.js'

/** One governed server: its policy, its connections and where its drain stands. */
export class GovernedServer implements ConnectionOwner<Connection>, SessionOwner<Session> {
  // Fields that every request reads come first, so that they are close to each other in memory.
  readonly events: Events
  readonly counts: Counts
  readonly limits: ConnectionLimits
  readonly timers: Timers
  readonly intercept: SharedContext['intercept']
  readonly forward: Forwarders['forward']
  readonly forwardRequest: Forwarders['forwardRequest']
  readonly forwardConnection: Forwarders['forwardConnection']
  phase: ServerState = 'serving'
  drain: DrainUnderWay | undefined = undefined
  /** Every request has to be checked: halfclose has a route, or there is a limit of idle connections. */
  readonly isDemanding: boolean
  /** The server, if it has the settings of HTTP/1.1; and the values that it was last given. */
  readonly keepsAlive: KeepsAlive | undefined
  shownTimeout = 0
  shownBuffer: number | undefined = undefined
  /** What Node prints: see {@link printablePromise}; and what it prints as `timeout=` by default, in milliseconds. */
  printable: number | undefined = undefined
  printed = 0
  /** Adopts settings of the server that the application has changed. */
  follow: () => void = () => {}
  /** Whether the application listens for CONNECT. */
  takesTunnels: () => boolean = () => false
  readonly idleTimeout: IdleTimeout
  readonly connections = new OpenConnections()
  readonly handshakes: Handshakes
  readonly tcpKeepAlive: TcpKeepAlive
  readonly lingering: Lingering<Connection>
  readonly unacknowledged = new UnacknowledgedBytes()
  readonly closeDelimited = new CloseDelimitedBodies()
  readonly sessions: Sessions
  requireHost = true
  /** The server's own settings, from before, or as other code has set them since. */
  inherited: Inherited
  /** The value of `server.emit`, unless other code has wrapped it. */
  emit: unknown = undefined
  readonly listener: ListeningState
  /** Takes in a connection ({@link admit}). */
  admit: (socket: Socket, raw: Socket | undefined) => void = () => {}
  /** Whether Node's list has the parsers of this server. */
  isListed = false
  /** Whether responses are given their `statusMessage` early. */
  presetsMessage = isPlainMessage()
  readonly cutBeforeDrain = new CutBeforeDrain()
  #stopWatching: (() => void) | undefined

  constructor(
    readonly server: AttachableServer,
    public policy: Policy,
    { events, counts, limits, timers, intercept }: SharedContext,
  ) {
    const { forward, forwardRequest, forwardConnection } = forwardersOf(server)
    this.events = events
    this.counts = counts
    this.limits = limits
    this.timers = timers
    this.intercept = intercept
    this.forward = forward
    this.forwardRequest = forwardRequest
    this.forwardConnection = forwardConnection
    this.isDemanding = intercept !== undefined || policy.limits.idle !== false
    this.lingering = new Lingering(policy.linger, timers, this.unacknowledged, kill)
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

  /** Whether nothing is open. */
  get isEmpty(): boolean {
    return this.connections.size === 0 && this.sessions.size === 0 && this.handshakes.size === 0
  }

  /** Whether a request is being answered. */
  get isBusy(): boolean {
    for (const { current } of this.connections) if (current !== undefined) return true
    for (const { streams } of this.sessions) if (streams.size > 0) return true
    return false
  }

  /** Whether its connections have no addresses. */
  get listensOnPath(): boolean {
    return this.listener.isOnPath
  }

  get draining(): boolean {
    return this.phase === 'draining' || this.phase === 'drained'
  }

  /**
   * Where the drain stands for a connection opened at `openedAt`. A connection that is accepted shortly before the listener closes is not told close until the
   * listener is closed: its client would reconnect at once, several times, and the last of these connections would be reset.
   */
  phaseFor(openedAt: number): ServerState {
    return this.phase === 'draining' &&
      this.server.listening &&
      this.drain !== undefined &&
      openedAt > Math.ceil(this.drain.since)
      ? 'leaving'
      : this.phase
  }

  /** The time in whole milliseconds, rounded so that a time before a drain stays before it, and one after it stays after. */
  get now(): number {
    return this.drain === undefined ? Math.floor(performance.now()) : Math.ceil(performance.now())
  }

  /** When a request arrives: exact in a drain, otherwise up to a period of {@link IdleTimeout} too early. */
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

  /** A socket, or a stream, belongs to another protocol from now on. */
  upgraded(socket: Socket, method: string | undefined, target: string | undefined, protocol: string | undefined): void {
    if (!this.events.hears('upgrade')) return
    this.events.upgrade({ remote: remoteOf(socket, this), method: method ?? '', target: target?.split('?')[0] ?? '', protocol })
  }

  restoreSocket(connection: Connection): void {
    restoreSocket(connection.socket, connection)
  }

  nowListening(): void {
    this.#begin()
    // A drain that began while the server's address was being looked up found no listener to close.
    if (this.draining) this.listener.closeLate()
    else this.events.routine('listening', { policy: this.policy }, policyLine(this.policy, this.server.address()))
  }

  /** The server listens again after its drain. */
  revive(): void {
    this.listener.revive()
    this.phase = 'serving'
    this.drain = undefined
    this.nowListening()
  }

  /** The server has begun to listen. */
  #begin(): void {
    this.listener.began()
    const { connections, minRate, stalled } = this.policy.limits
    this.limits.pressure.listening(connections !== false)
    if (minRate !== false || stalled !== false) this.#stopWatching ??= watchForStalledPeers(this)
  }

  nowClosed(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    if (this.connections.size === 0) {
      this.idleTimeout.stop()
      this.handshakes.stop()
      this.tcpKeepAlive.stop()
    }
    this.listener.closed()
  }

  /** A promise of this server was broken: counts it for the server and for its drain. */
  promiseBroken(promise: PromiseBreaker): void {
    count(this.counts.promisesBroken, promise)
    this.drain?.promiseBroken(promise)
  }

  /** Counts the request that is being answered, if there is one, as one that will never be finished. */
  requestBrokenOff(connection: Connection): void {
    const { current } = connection
    if (current === undefined) return
    recordClose(connection)
    connection.current = undefined
    this.closeDelimited.delete(connection)
    // On a connection over a limit the request was not counted as received.
    if (connection.excess) return
    if (isGivenUp(connection)) this.counts.aborted++
    else {
      this.counts.cut++
      const lost = 1 + waitingBehind(connection, current)
      if (this.drain === undefined) this.cutBeforeDrain.note(lost)
      else this.drain.wasCut(lost)
    }
  }

  closed(connection: Connection): void {
    if (!this.connections.delete(connection)) return
    this.lingering.delete(connection)
    this.limits.leave(connection)
    this.limits.pressure.relief.gone(connection)
    if (connection.current !== undefined) this.requestBrokenOff(connection)
    if (!connection.hasNoRareFields) {
      connection.clearTimers()
      forgetReading(connection)
      dropWaiting(connection)
    }
    reportEnded(this, connection, connection.ending ?? (connection.phase === 'upgraded' ? 'upgraded' : 'peer'))
  }

  sessionClosed(session: Session): void {
    if (!this.sessions.delete(session)) return
    this.limits.leave(session)
    this.limits.pressure.relief.gone(session)
    session.byPeer ||= session.ending === undefined
    reportEnded(this, session, session.ending ?? session.notice ?? 'peer')
  }
}

/** Whether the client went away, or sent something that cannot be read: it waits for no answer. */
function isGivenUp({ ending, rare: { byPeer } }: Connection): boolean {
  return byPeer || ending === undefined || ending === 'peer' || ending === 'half-closed' || ending === 'error'
}
