import type { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { CloseRecord } from '../events/close-record.js'
import { attempt } from '../events/error-boundary.js'
import type { CloseReason, ConnectionState } from '../events/types.js'
import type { Linked } from '../node/linked-list.js'
import { hasBegun, isMessageIncomplete } from '../node/parser.js'
import type { PatchedResponse, PatchedSocket } from '../node/patched-methods.js'
import type { Timer } from '../node/timers.js'
import type { Linger, Lingers } from '../socket/lingering-close.js'
import type { Upgrade } from '../socket/websocket-output.js'
import type { ConnectionOwner } from './connection-owner.js'
import { type Amid, markInput, receivingByBytes } from './partial-request.js'
import type { RequestFacts } from './request-facts.js'

/** What a connection needs of its server. */
export type Http1Owner = ConnectionOwner<Connection>

/**
 * One request and its response. Facts of both are kept here, since a framework may change their prototype (Express), and V8 then looks up all their properties anew.
 */
export interface Exchange {
  readonly connection: Connection
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly facts: RequestFacts
  /** Some fact of the request is unusual; if not, other code need not look at the facts. */
  readonly isSpecial: boolean
  /** When it arrived, which may be before it was handed over. Without a drain it may be up to a tenth of a second too early. */
  readonly arrived: number
  /** Milliseconds that Node will print as `timeout=` by default; -1: the server's setting has changed since the response began. */
  readonly printed: number
  /** The head has been written. */
  headWritten: boolean
  /** end() was called. */
  ended: boolean
  /**
   * Where the length of the body is checked: `'here'`, in our write() and end(); `'whole'`: nowhere, since the whole body comes with the head; `'below'`: where Node
   * takes the body, since a write() or end() of other code stands between, and may change it.
   */
  account: 'here' | 'whole' | 'below'
  /** Bytes of the whole body, if known when the head is written; else -1. */
  length: number
  /** The application itself reads the request's body, even after it has answered. */
  bodyTaken: boolean
  /** The length that the body must keep to, if it does not come with its head and is not chunked. */
  body: Body | undefined
  /** Methods that other code had put on the response before us. */
  patched: PatchedResponse | undefined
}

/** The body of a response whose head has declared its length, or which ends with the connection. */
export interface Body {
  /** The Content-Length; -1: none, so that a cut body would look complete. */
  readonly declared: number
  /** Bytes written so far. */
  written: number
  /** The body did not have its length, and that was reported. */
  misfit: boolean
}

/** A request, upgrade or CONNECT that arrived while another request is being answered. */
export interface Waiting {
  readonly event: string
  readonly args: readonly [IncomingMessage, ...unknown[]]
  readonly arrived: number
  /** A request timeout that struck while halfclose held the request back. */
  excused: Error | undefined
  /**
   * The async context in which it was parsed. Requests of one read may share it, since one read holds thousands of small requests. AsyncLocalStorage.snapshot()
   * would take 4 to 9 µs for each (`npm run bench -- --only micro`).
   */
  readonly context: AsyncResource
  /** Hands it over when its turn has come. */
  readonly handOver: (connection: Connection, waiting: Waiting) => void
  /** `executionAsyncId()` where it was parsed; 0: other code may have changed the context meanwhile, so it has one of its own. */
  readonly parsedIn: number
}

/** Fields that few connections ever need. In each of ten thousand idle connections they would cost 130 bytes. */
class RareFields {
  /** Requests that arrived while another one is being answered. */
  waiting: Waiting[] | undefined = undefined
  /** A `clientError` that waits until the answers before it are sent. */
  failure: Error | undefined = undefined
  /** A request timeout that struck a half-sent head behind requests that are being answered. */
  late: Error | undefined = undefined
  /** A request that was answered before its body had arrived. */
  unread: IncomingMessage | undefined = undefined
  /** The server's list does not have its parser. */
  unlisted: boolean = false
  /** The connection is over a limit: its request is refused. */
  excess: boolean = false
  /** The remote address, if connections are counted by it. */
  client: string | undefined = undefined
  /** Reading is stopped, because requests wait. */
  stopped: boolean = false
  /** A part of a TLS record has arrived, as it seems. */
  record: Amid | undefined = undefined
  /** The stream passes its input to the parser in pieces. */
  inPieces: boolean = false
  /** Looks at the client while reading is stopped. */
  lookTimer: NodeJS.Timeout | undefined = undefined
  /** Why Node is about to destroy the socket, if it is. */
  blame: CloseReason | undefined = undefined
  /** The client broke the connection off: it waits for no answer. */
  byPeer: boolean = false
  /** When the connection is too old for another request. */
  expiresAt: number = Number.POSITIVE_INFINITY
  /** Bounds the late answer to an error, or a request that was held back. */
  timer: Timer | undefined = undefined
  /** A reset will be sent when it fires. */
  resetTimer: Timer | undefined = undefined
  /** Bounds the answer for which a half-closed client waits. */
  halfClosedTimer: Timer | undefined = undefined
  /** What an upgraded connection asked for. */
  upgrade: Upgrade | undefined = undefined
  /** destroy() closes output first while the application answers a malformed request. */
  answering: boolean = false
  /** What is recorded of its end, if there is a listener for closes. */
  closeRecord: CloseRecord | undefined = undefined
  /** Methods that other code had put on the socket before us. */
  patched: PatchedSocket | undefined = undefined
}

/** The defaults, shared by all connections that need none of the fields. Frozen: a write without {@link Connection.makeRare} throws. */
const NONE: Readonly<RareFields> = Object.freeze(new RareFields())

/**
 * One HTTP/1 connection. The input half (`current`, `waiting`, `failure`, `inputEnded`) and the output half (`ending`, `lingering`) are separate: one may end long
 * before the other.
 */
export class Connection implements Linked<Connection>, Lingers<Connection> {
  /** {@link RareFields}: one shared object until the first field is set by {@link makeRare}. */
  rare: Readonly<RareFields> = NONE
  // Fields that every request reads come first, so that they are close to each other in memory.
  phase: ConnectionState = 'silent'
  /** Requests handed over so far. */
  requests = 0
  /** The request that is being answered: one at most. */
  current: Exchange | undefined = undefined
  inputEnded = false
  /** Why the connection ends, once that is decided: the application gets no further request. */
  ending: CloseReason | undefined = undefined
  /** Milliseconds promised with the last response. */
  promised = 0
  /** When its last answer was written, or it was opened, in whole milliseconds, since V8 would allocate an object for a fraction. Rounded up, in favour of the client. */
  lastUsed: number
  /** The period of {@link IdleTimeout} in which it last went idle; 0: it never was. */
  period = 0
  older: Connection | undefined = undefined
  newer: Connection | undefined = undefined
  linger: Linger<Connection> | undefined = undefined
  closedFirst: 'server' | 'peer' | undefined = undefined
  released = false
  /** In whole milliseconds, too. */
  readonly openedAt: number
  /** Whether it is in the list `rested` of {@link OpenConnections}. */
  rested = false
  /** `socket.bytesRead` when no byte of a request had arrived, for connections where only this count shows that one arrives. */
  mark = 0
  /** Over TLS: `raw.bytesRead` at that time. */
  rawMark = 0

  constructor(
    readonly socket: Socket,
    /** The TCP socket below TLS. */
    readonly raw: Socket | undefined,
    readonly owner: Http1Owner,
    openedAt: number,
    expiresAt: number,
  ) {
    this.openedAt = Math.ceil(openedAt)
    this.lastUsed = this.openedAt
    markInput(this)
    if (expiresAt !== Number.POSITIVE_INFINITY) this.makeRare().expiresAt = expiresAt
  }

  /**
   * Whether the count of bytes, and not the parser, shows that a request arrives. The parser reports a message also for a client that has sent nothing or was
   * answered early; and if the server's list does not have the parser, it cannot be asked.
   */
  get countsBytes(): boolean {
    return this.phase === 'silent' || this.rare.unlisted || this.rare.unread !== undefined
  }

  /** Whether a request has begun to arrive that is not being answered yet. To ask about many connections, use {@link atOnce}. */
  get receiving(): boolean {
    return receivingByBytes(this) ?? isMessageIncomplete(this.owner.server, this.socket)
  }

  /** The same, but the parser of this connection is asked alone: however many connections there are. Not to be used while it is parsing. */
  get receivingAlone(): boolean {
    return receivingByBytes(this) ?? hasBegun(this.socket) === true
  }

  /** The state, by the names of the documentation. */
  get state(): ConnectionState {
    if ((this.phase === 'silent' || this.phase === 'idle') && this.receiving) return 'busy'
    if (this.phase === 'busy' && this.ending !== undefined) return 'closing'
    return this.phase
  }

  /** Until when the client may believe that the connection stays usable. */
  get promiseUntil(): number {
    return this.promised === 0 ? 0 : this.lastUsed + this.promised
  }

  /** No field of {@link RareFields} was ever set: one question for all. */
  get hasNoRareFields(): boolean {
    return this.rare === NONE
  }

  /** Makes the rare fields writable. To set a default, first check whether that is needed: this call allocates the object. */
  makeRare(): RareFields {
    if (this.rare === NONE) this.rare = new RareFields()
    return this.rare
  }

  /** The connection is over a limit: its request is refused. */
  get excess(): boolean {
    return this.rare.excess
  }

  set excess(value: boolean) {
    this.makeRare().excess = value
  }

  /** The remote address, if connections are counted by it. */
  get client(): string | undefined {
    return this.rare.client
  }

  set client(value: string | undefined) {
    this.makeRare().client = value
  }

  /** A request begins: the rare fields of the one before it are reset. */
  beginAnew(): void {
    if (this.hasNoRareFields) return
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
    // The code that closed the socket has cleared its timers already.
    if (!this.socket.destroyed) this.makeRare().timer = this.owner.timers.after(ms, () => attempt(this, run))
  }
}
