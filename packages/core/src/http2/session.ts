import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { CloseRecord } from '../events/close-record.js'
import { attempt } from '../events/error-boundary.js'
import type { CloseReason, ConnectionState } from '../events/types.js'
import type { PatchedSessionSocket, PatchedStream } from '../node/patched-methods.js'
import type { Timer } from '../node/timers.js'
import { expiryOf } from '../policy.js'
import type { Linger } from '../socket/lingering-close.js'
import type { WebSocketOutput } from '../socket/websocket-output.js'
import type { SessionOwner } from './session-owner.js'

/** What a session needs of its server. */
export type Http2Owner = SessionOwner<Session>

/** Error codes of RFC 9113 §7. They are not imported from node:http2, which a server without HTTP/2 should not load. */
export const CODES = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const

/** nghttp2's state of a stream that has ended both ways, and that nghttp2 has forgotten. */
export const IDLE = 1

/** A stream that is being answered. */
export interface StreamExchange {
  readonly session: Session
  /** When its request arrived. */
  readonly arrived: number
  readonly method: string | undefined
  readonly path: string | undefined
  /**
   * The name of the other protocol that a CONNECT has opened, e.g. WebSocket (RFC 8441); that protocol ends the stream. `false`: this is no CONNECT.
   */
  readonly tunnel: string | false
  /** Follows the output, if this is a WebSocket. */
  readonly output?: WebSocketOutput | undefined
  /** The server or the application broke it off. */
  cut: boolean
  /** Methods that other code had put on the stream before us: an APM, which Node tells about it (`http2.server.stream.start`). */
  readonly patched: PatchedStream | undefined
  /** Its response says that the connection ends after it. */
  closes: boolean
  /** Its response is a file. */
  isFile: boolean
  /** It was ended in the middle of the file. */
  isReset: boolean
  /** The application has ended it, with the part of the answer that was written. */
  isEnded: boolean
}

/** One HTTP/2 session: a connection whose requests do not wait for each other. The client gets no promise, but a GOAWAY when the session ends. */
export class Session {
  /** Streams handed over so far. */
  requests = 0
  /** The id of the last one. */
  lastStream = 0
  readonly streams = new Map<ServerHttp2Stream, StreamExchange>()
  /** Why the session ends, once that is decided: a GOAWAY has been sent, and later streams are refused. */
  ending: CloseReason | undefined = undefined
  /** Why the session will end: the client was told, but not yet which stream is the last. */
  notice: CloseReason | undefined = undefined
  /** The last stream that a GOAWAY has named: no later GOAWAY may name a higher one (RFC 9113 §6.8), and the client may repeat a later stream. */
  lastNamed: number | undefined = undefined
  closedFirst: 'server' | 'peer' | undefined = undefined
  /** The server has ended its output. */
  lingering = false
  linger: Linger<Session> | undefined = undefined
  /** The client broke the connection off: it waits for no answer. */
  byPeer = false
  /** The error that `http2.destroy` was last given. Node destroys the socket with the same error, which is then no error of the connection. */
  given: unknown = undefined
  inputEnded = false
  /** The connection is over a limit: its streams are refused. */
  excess = false
  client: string | undefined = undefined
  /** What is recorded of its end, if there is a listener for closes. */
  closeRecord: CloseRecord | undefined = undefined
  /** Methods that other code had put on the socket before us. */
  patched: PatchedSessionSocket | undefined = undefined
  /** The socket may be destroyed now. */
  released = false
  readonly openedAt = performance.now()
  readonly expiresAt: number
  /** When in the delay of `leaving` the session gets its GOAWAY, from 0 to 1. */
  readonly share = Math.random()
  lastUsed = this.openedAt
  /** Streams that the client reset before they were answered, less those that time has forgiven, as of `resetsAt`. */
  resets = 0
  resetsAt = this.openedAt
  /** PING and SETTINGS frames since `controlAt`, and the bytes in both directions at that time. */
  control = 0
  controlAt = this.openedAt
  controlBytes = 0
  /** Bytes of all PING and SETTINGS frames, at most, and of the server's answers to them. */
  controlled = 0
  answered = 0
  #timer: Timer | undefined

  constructor(
    readonly http2: ServerHttp2Session,
    /** The real socket: `http2.socket` is a stand-in that refuses most methods. */
    readonly socket: Socket,
    /** The TCP socket below TLS. */
    readonly raw: Socket | undefined,
    readonly owner: Http2Owner,
  ) {
    this.expiresAt = expiryOf(owner.policy.keepAlive, this.openedAt, Math.random)
  }

  get state(): ConnectionState {
    if (this.lingering) return 'lingering'
    if (this.onlyTunnels) return 'upgraded'
    if (this.ending !== undefined) return 'closing'
    if (this.streams.size > 0) return 'busy'
    return this.requests === 0 ? 'silent' : 'idle'
  }

  /** Whether every stream in flight has been handed over to another protocol. */
  get onlyTunnels(): boolean {
    for (const { tunnel } of this.streams.values()) if (tunnel === false) return false
    return this.streams.size > 0
  }

  /** Streams may close after their connection: no timer is set then. */
  setTimer(ms: number, run: () => void): void {
    this.#timer?.stop()
    if (this.released) return
    this.#timer = this.owner.timers.after(ms, () => attempt(this, run))
  }

  clearTimer(): void {
    this.#timer?.stop()
  }
}

const kSession: unique symbol = Symbol('halfclose.session')

function carries(carrier: object): carrier is { [kSession]: Session } {
  return kSession in carrier
}

/** The governed session that a socket carries. */
export function sessionOf(socket: object | null | undefined): Session | undefined {
  return socket !== null && socket !== undefined && carries(socket) ? socket[kSession] : undefined
}

export function bindSession(socket: Socket, session: Session): void {
  Object.assign(socket, { [kSession]: session })
}

const kExchange: unique symbol = Symbol('halfclose.exchange')

function isAnswered(stream: object): stream is { [kExchange]: StreamExchange } {
  return kExchange in stream
}

/** What is known of a stream. It is kept on the stream, since a closed stream has forgotten its session. */
export function exchangeOf(stream: object): StreamExchange | undefined {
  return isAnswered(stream) ? stream[kExchange] : undefined
}

export function bindExchange(stream: ServerHttp2Stream, exchange: StreamExchange): void {
  exchange.session.streams.set(stream, exchange)
  Object.assign(stream, { [kExchange]: exchange })
}
