import type { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { attempt } from '../events/attempt.js'
import type { End } from '../events/end.js'
import type { CloseReason, ConnectionState } from '../events/types.js'
import type { Linked } from '../node/linked-list.js'
import type { OwnOfResponse, OwnOfSocket } from '../node/own-methods.js'
import { hasBegun, isAmidMessage } from '../node/parser.js'
import type { Timer } from '../node/timers.js'
import type { Linger, Lingers } from '../socket/linger.js'
import type { Upgrade } from '../socket/websocket-output.js'
import type { ConnectionOwner } from './owner.js'
import type { RequestFacts } from './request-facts.js'

/** What a connection needs of its server. */
export type Http1Owner = ConnectionOwner<Connection>

/**
 * One request and its response: what is known of the request when it is handed over, and what becomes of the answer. It is asked here and not
 * of the request and the response: a framework gives those another prototype (Express), and V8 then looks up every property of theirs anew.
 *
 * Where one of its flags is mostly true it is compared with true or false: to tell its truth V8 asks whether it is an empty string, a number
 * or something else, in a dozen instructions.
 */
export interface Exchange {
  readonly connection: Connection
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly facts: RequestFacts
  /** The facts are not what they nearly always are: others need not look at them. */
  readonly isSpecial: boolean
  /** When it arrived, which may be before it was handed over; where no drain was under way, up to a tenth of a second earlier. */
  readonly arrived: number
  /** Milliseconds that Node will print as `timeout=` unless it is told otherwise; -1: it was begun under another setting than the server's present one. */
  readonly printed: number
  /** Its head has been written. */
  headWritten: boolean
  /** end() was called. */
  ended: boolean
  /**
   * Where the body is held to its length: `'here'`, in our write() and end(); `'whole'`: nowhere, since the head comes with all of it; `'below'`: where Node
   * takes it, since the write() or end() of somebody else stands between, and may change it.
   */
  account: 'here' | 'whole' | 'below'
  /** Bytes of the whole body, where they are known when the head is written; -1: they are not. */
  length: number
  /** The application reads the request's body itself, also after it has answered. */
  bodyTaken: boolean
  /** What the body is held to, where it does not come with its head and is not chunked. */
  body: Body | undefined
  /** What others had put on the response before us. */
  own: OwnOfResponse | undefined
}

/** The body of a response whose head has declared its length, or which ends with the connection. */
export interface Body {
  /** The Content-Length; -1: none, so that a cut would look complete. */
  readonly declared: number
  /** Bytes written so far. */
  written: number
  /** It did not fit, and that was said. */
  misfit: boolean
}

/** A request, upgrade or CONNECT that arrived while another one is being answered. */
export interface Waiting {
  readonly event: string
  readonly args: readonly [IncomingMessage, ...unknown[]]
  readonly arrived: number
  /** A request timeout that struck while we ourselves held it back. */
  excused: Error | undefined
  /**
   * The async context in which it was parsed, which those before and behind it may share: one read holds thousands of small requests. Not
   * AsyncLocalStorage.snapshot(), which takes 4 to 9 µs (`npm run bench -- --only micro`).
   */
  readonly context: AsyncResource
  /** Hands it over when its turn has come. */
  readonly handOver: (connection: Connection, waiting: Waiting) => void
  /** `executionAsyncId()` where it was parsed; 0: others may have changed the context meanwhile, so that it is its own. */
  readonly parsedIn: number
}

/** What few connections ever need. In every one of ten thousand idle connections these fields would cost 130 bytes. */
class RareFields {
  /** What arrived while another request is being answered. */
  waiting: Waiting[] | undefined = undefined
  /** A `clientError` that waits for the answers before it. */
  failure: Error | undefined = undefined
  /** A request timeout that struck a head which is half sent behind requests that are being answered. */
  late: Error | undefined = undefined
  /** A request that was answered before its body had arrived. */
  unread: IncomingMessage | undefined = undefined
  /** The server does not have its parser in its list. */
  unlisted: boolean = false
  /** One too many: its request is refused. */
  excess: boolean = false
  /** The remote address, where connections are counted by it. */
  client: string | undefined = undefined
  /** Reading is stopped, since requests wait. */
  stopped: boolean = false
  /** Its bytes reach the parser by way of the stream, in pieces. */
  inPieces: boolean = false
  /** While reading is stopped: looks at the client. */
  lookTimer: NodeJS.Timeout | undefined = undefined
  /** Why Node is about to destroy the socket, if it does. */
  blame: CloseReason | undefined = undefined
  /** The peer broke it off: nobody waits for what is still to be answered. */
  byPeer: boolean = false
  /** When it is too old for another request. */
  expiresAt: number = Number.POSITIVE_INFINITY
  /** Bounds an error's late answer, or a request that was held back. */
  timer: Timer | undefined = undefined
  /** It is about to be reset. */
  resetTimer: Timer | undefined = undefined
  /** Bounds the answer that a half-closed client waits for. */
  halfClosedTimer: Timer | undefined = undefined
  /** What an upgraded connection asked for. */
  upgrade: Upgrade | undefined = undefined
  /** destroy() means "linger" while the application answers a malformed request. */
  answering: boolean = false
  /** What is noted of its end, where somebody listens. */
  end: End | undefined = undefined
  /** What others had put on the socket before us. */
  own: OwnOfSocket | undefined = undefined
}

/** The defaults, of all connections that need none of them. Frozen: a write that forgets {@link Connection.makeRare} throws. */
const NONE: Readonly<RareFields> = Object.freeze(new RareFields())

/**
 * One HTTP/1 connection. The input half (`current`, `waiting`, `failure`, `inputEnded`) and the output half (`ending`, `lingering`)
 * are apart: the one may end long before the other.
 */
export class Connection implements Linked<Connection>, Lingers<Connection> {
  /** What few connections ever need: one object for all that need nothing of it, until the first field is set ({@link makeRare}). */
  rare: Readonly<RareFields> = NONE
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
  /** Of {@link IdleTimeout}: in which it last went idle. None before the first time. */
  period = 0
  older: Connection | undefined = undefined
  newer: Connection | undefined = undefined
  linger: Linger<Connection> | undefined = undefined
  closedFirst: 'server' | 'peer' | undefined = undefined
  released = false
  /** Rounded like that. */
  readonly openedAt: number
  /** Which of the lists of {@link OpenConnections} it is in. */
  rested = false
  /** `socket.bytesRead` when nothing of a request had arrived: where that is all that there is to tell by. */
  mark: number

  constructor(
    readonly socket: Socket,
    /** Below TLS: the TCP socket. */
    readonly raw: Socket | undefined,
    readonly owner: Http1Owner,
    openedAt: number,
    expiresAt: number,
  ) {
    this.openedAt = Math.ceil(openedAt)
    this.lastUsed = this.openedAt
    this.mark = socket.bytesRead
    if (expiresAt !== Number.POSITIVE_INFINITY) this.makeRare().expiresAt = expiresAt
  }

  /**
   * Whether bytes tell, and not the parser, that something arrives: the parser takes whoever has sent nothing for amid a message, and whoever was answered
   * early; and where the server does not have it in its list, nobody can ask.
   */
  get countsBytes(): boolean {
    return this.phase === 'silent' || this.rare.unlisted || this.rare.unread !== undefined
  }

  /** Whether a request has begun to arrive that is not being answered yet. Who asks for many does so {@link atOnce}. */
  get receiving(): boolean {
    // Malformed, or too late: the parser is done with it.
    if (this.rare.answering) return true
    if (!this.countsBytes) return isAmidMessage(this.owner.server, this.socket)
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

  /** Nothing of {@link RareFields} was ever set: one question for all. */
  get isCommon(): boolean {
    return this.rare === NONE
  }

  /** Its own rare fields, to be set. Not for a default: who sets that asks first whether it is needed, since this makes the object. */
  makeRare(): RareFields {
    if (this.rare === NONE) this.rare = new RareFields()
    return this.rare
  }

  /** One connection too many: its request is refused. */
  get excess(): boolean {
    return this.rare.excess
  }

  set excess(value: boolean) {
    this.makeRare().excess = value
  }

  /** The remote address, where connections are counted by it. */
  get client(): string | undefined {
    return this.rare.client
  }

  set client(value: string | undefined) {
    this.makeRare().client = value
  }

  /** A request begins: what belonged to the one before it is over. */
  beginAnew(): void {
    if (this.isCommon) return
    const rare = this.makeRare()
    rare.unread = undefined
    rare.blame = undefined
    rare.timer?.stop()
  }

  clearTimers(): void {
    const { timer, halfClosedTimer } = this.rare
    timer?.stop()
    halfClosedTimer?.stop()
  }

  setTimer(ms: number, run: () => void): void {
    this.rare.timer?.stop()
    // Whoever closed it has cleared its timers already.
    if (!this.socket.destroyed) this.makeRare().timer = this.owner.timers.after(ms, () => attempt(this, run))
  }
}
