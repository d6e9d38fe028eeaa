import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Site } from './site.js'
import type { CloseReason, ConnectionState } from './types.js'
import { Uncommon } from './uncommon.js'

/** The request that is being answered; at most one per connection. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** When it arrived, which may be before it was handed over. */
  readonly arrived: number
  /** The parser's verdict on the request: false where its version or framing rules out persistence. */
  readonly parserPersists: boolean
  /** The Content-Length that the head declared, -1 while there is none. */
  declared: number
  /** Body bytes written so far; counted only where a length is declared. */
  written: number
  /** The one and only piece of the body is known not to fit the declared length. */
  wrongLength: boolean
  /** The body did not fit, and that was said. */
  misfit: boolean
  /** The body ends with the connection, so that a cut would look complete. */
  closeDelimited: boolean
  /** The application reads the request's body itself, also after it has answered. */
  bodyTaken: boolean
}

/** A request, upgrade or CONNECT that arrived while another one is being answered. */
export interface Waiting {
  readonly event: string
  readonly args: readonly [IncomingMessage, ...unknown[]]
  readonly arrived: number
  /** A request timeout that struck while we ourselves held it back. */
  excused?: Error
  /** Runs a function in the async context in which the request was parsed. */
  readonly inContext: (run: () => void) => void
}

/**
 * One HTTP/1 connection. The input half (`current`, `waiting`, `failure`, `inputEnded`) and the output half (`ending`, `lingering`)
 * are apart: the one may end long before the other.
 */
export class Connection extends Uncommon {
  phase: ConnectionState = 'silent'
  /** Requests handed over so far. */
  requests = 0
  current: Exchange | undefined = undefined
  inputEnded = false
  /** Why this connection ends, once that is decided: nothing more is handed to the application. */
  ending: CloseReason | undefined = undefined
  closedFirst: 'server' | 'peer' | undefined = undefined
  released = false
  /** Milliseconds promised with the last response. */
  promised = 0
  /** When it was opened and last used, in whole milliseconds: fractions would be objects of their own. Rounded up, in favour of the peer. */
  readonly openedAt: number
  lastUsed: number
  /** `socket.bytesRead` when the connection last went quiet: more means that a request has begun to arrive. */
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
    this.expiresAt = expiresAt
  }

  /** Whether a request has begun to arrive that the parser has not finished reading the head of. */
  get receiving(): boolean {
    return this.socket.bytesRead !== this.mark
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

  clearTimers(): void {
    clearTimeout(this.timer)
    clearTimeout(this.halfClosedTimer)
  }

  setTimer(ms: number, run: () => void): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(run, ms)
  }
}

const kConnection: unique symbol = Symbol('halfclose.connection')

function carries(socket: object): socket is { [kConnection]: Connection } {
  return kConnection in socket
}

/** The connection of a socket that is governed, if it is. */
export function connectionOf(socket: object | null | undefined): Connection | undefined {
  return socket !== null && socket !== undefined && carries(socket) ? socket[kConnection] : undefined
}

export function bind(socket: Socket, connection: Connection): void {
  Object.assign(socket, { [kConnection]: connection })
}
