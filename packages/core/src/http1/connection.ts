import type { Socket } from 'node:net'
import { attempt } from '../events/attempt.js'
import type { CloseReason, ConnectionState } from '../events/types.js'
import type { Linked } from '../node/linked-list.js'
import { isAmidMessage } from '../node/parser.js'
import { hasBegun } from '../node/private.js'
import type { Site } from '../server/governed-server.js'
import type { Linger, Lingers } from '../socket/linger.js'
import type { Exchange } from './exchange.js'
import { Uncommon } from './rare-fields.js'

/**
 * One HTTP/1 connection. The input half (`current`, `waiting`, `failure`, `inputEnded`) and the output half (`ending`, `lingering`)
 * are apart: the one may end long before the other.
 */
export class Connection extends Uncommon implements Linked<Connection>, Lingers<Connection> {
  // What every request asks for comes first, so that it lies together in memory.
  phase: ConnectionState = 'silent'
  /** Requests handed over so far. */
  requests = 0
  /** The request that is being answered: at most one. */
  current: Exchange | undefined = undefined
  inputEnded = false
  /** Why this connection ends, once that is decided: nothing more is handed to the application. */
  ending: CloseReason | undefined = undefined
  /** Milliseconds promised with the last response. */
  promised = 0
  /** When its last answer was written, or it was opened, in whole milliseconds: a fraction would be an object of its own. Rounded up, in favour of the peer. */
  lastUsed: number
  /** Of {@link Expiry}: in which it last went idle. None before the first time. */
  period = 0
  older: Connection | undefined = undefined
  newer: Connection | undefined = undefined
  linger: Linger<Connection> | undefined = undefined
  closedFirst: 'server' | 'peer' | undefined = undefined
  released = false
  /** Rounded like that. */
  readonly openedAt: number
  /** Which of the registry's lists it is in. */
  rested = false
  /** `socket.bytesRead` when nothing of a request had arrived: where that is all that there is to tell by. */
  mark: number

  constructor(
    readonly socket: Socket,
    /** Below TLS: the TCP socket. */
    readonly raw: Socket | undefined,
    readonly site: Site,
    openedAt: number,
    expiresAt: number,
  ) {
    super()
    this.openedAt = Math.ceil(openedAt)
    this.lastUsed = this.openedAt
    this.mark = socket.bytesRead
    if (expiresAt !== Number.POSITIVE_INFINITY) this.expiresAt = expiresAt
  }

  /**
   * Whether bytes tell, and not the parser, that something arrives: the parser takes whoever has sent nothing for amid a message, and whoever was answered
   * early; and where the server does not have it in its list, nobody can ask.
   */
  get countsBytes(): boolean {
    return this.phase === 'silent' || this.unlisted || this.unread !== undefined
  }

  /** Whether a request has begun to arrive that is not being answered yet. Who asks for many does so {@link atOnce}. */
  get receiving(): boolean {
    // Malformed, or too late: the parser is done with it.
    if (this.answering) return true
    if (!this.countsBytes) return isAmidMessage(this.site.server, this.socket)
    if (this.socket.bytesRead === this.mark) return false
    // The application may have read them before Node parses: a front its PROXY line.
    return this.phase !== 'silent' || this.socket.readableLength > 0 || hasBegun(this.socket) === true
  }

  /** The state as the design's vocabulary has it. */
  get state(): ConnectionState {
    if ((this.phase === 'silent' || this.phase === 'idle') && this.receiving) return 'busy'
    if (this.phase === 'busy' && this.ending !== undefined) return 'closing'
    return this.phase
  }

  /** Until when the client may believe that the connection stays usable. */
  get promiseUntil(): number {
    return this.promised === 0 ? 0 : this.lastUsed + this.promised
  }

  setTimer(ms: number, run: () => void): void {
    this.timer?.stop()
    // Whoever closed it has cleared its timers already.
    if (!this.socket.destroyed) this.timer = this.site.timers.after(ms, () => attempt(this, run))
  }
}

/**
 * Where a socket has its connection. Who is called for every request or connection asks for that by itself: sockets change their shape as they go, and in a
 * function that serves all of them V8 looks it up anew each time.
 */
export const kConnection: unique symbol = Symbol('halfclose.connection')

export interface SocketCarrier {
  [kConnection]?: Connection
}

/** The connection of a socket that is governed, if it is. */
export function connectionOf(socket: object | null | undefined): Connection | undefined {
  const carrier: SocketCarrier | null | undefined = socket
  return carrier?.[kConnection]
}

export function bind(socket: Socket, connection: Connection): void {
  const object: object = socket
  const carrier: SocketCarrier = object
  carrier[kConnection] = connection
}
