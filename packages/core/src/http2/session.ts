import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { attempt } from '../events/attempt.js'
import type { End } from '../events/end.js'
import type { CloseReason, ConnectionState } from '../events/types.js'
import type { OwnOfSessionSocket, OwnOfStream } from '../node/own-methods.js'
import type { Timer } from '../node/timers.js'
import type { Linger } from '../socket/linger.js'
import type { WebSocketOutput } from '../socket/websocket-output.js'
import type { SessionOwner } from './owner.js'

/** What a session needs of its server. */
export type Http2Owner = SessionOwner<Session>

/** Error codes of RFC 9113 §7. Not from node:http2: a server without HTTP/2 should not load it. */
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

/** The state of a stream that has ended both ways, in nghttp2, which then knows it no longer. */
export const IDLE = 1

/** A stream that is being answered. */
export interface StreamExchange {
  readonly session: Session
  /** When its request arrived. */
  readonly arrived: number
  readonly method: string | undefined
  readonly path: string | undefined
  /** CONNECT, be it for WebSocket (RFC 8441): another protocol from now on, by this name, which its own end finishes. `false`: it is none. */
  readonly tunnel: string | false
  /** A WebSocket whose output is followed. */
  readonly output?: WebSocketOutput | undefined
  /** We, or the application, broke it off. */
  cut: boolean
  /** What others had put on the stream before us: an APM, which Node tells of it (`http2.server.stream.start`). */
  readonly own: OwnOfStream | undefined
  /** Its response says that the connection ends behind it. */
  closes: boolean
  /** Its response is a file. */
  isFile: boolean
  /** Its client has reset it amid the file. */
  isReset: boolean
  /** The application has ended it, with what there was of its answer. */
  isEnded: boolean
}

/** One HTTP/2 session: a connection whose requests do not wait for one another. Nothing is promised to its client; a GOAWAY tells it. */
export class Session {
  /** Streams handed over so far. */
  requests = 0
  /** The id of the last one. */
  lastStream = 0
  readonly streams = new Map<ServerHttp2Stream, StreamExchange>()
  /** Why it ends, once that is decided: a GOAWAY has been sent, and later streams are refused. */
  ending: CloseReason | undefined = undefined
  /** The client was told that it will end, but not yet up to which stream. */
  notice: CloseReason | undefined = undefined
  closedFirst: 'server' | 'peer' | undefined = undefined
  /** Our output is shut. */
  lingering = false
  linger: Linger<Session> | undefined = undefined
  /** The peer broke it off: nobody waits for what is still to be answered. */
  byPeer = false
  /** What `http2.destroy` was last given: behind it the socket is destroyed with the same, which is then no error of the connection. */
  given: unknown = undefined
  inputEnded = false
  /** One connection too many: its streams are refused. */
  excess = false
  client: string | undefined = undefined
  /** What is noted of its end, where somebody listens. */
  end: End | undefined = undefined
  /** What others had put on the socket before us. */
  own: OwnOfSessionSocket | undefined = undefined
  /** The socket may be destroyed now. */
  released = false
  lastUsed: number
  /** Streams that the client reset before they were answered, less what has been forgiven, as of `resetsAt`. */
  resets = 0
  resetsAt: number
  /** PING and SETTINGS frames since `controlAt`, and the bytes either way then. */
  control = 0
  controlAt: number
  controlBytes = 0
  /** Bytes of all PING and SETTINGS frames, at most, and of our answers to them. */
  controlled = 0
  answered = 0
  #timer: Timer | undefined

  constructor(
    readonly http2: ServerHttp2Session,
    /** The real one: `http2.socket` is a stand-in that refuses most things. */
    readonly socket: Socket,
    /** Below TLS: the TCP socket. */
    readonly raw: Socket | undefined,
    readonly owner: Http2Owner,
    readonly openedAt: number,
    readonly expiresAt: number,
    /** Where in the delay of `leaving` it is told to go, from 0 to 1. */
    readonly share: number,
  ) {
    this.lastUsed = openedAt
    this.resetsAt = openedAt
    this.controlAt = openedAt
  }

  get state(): ConnectionState {
    if (this.lingering) return 'lingering'
    if (this.onlyTunnels) return 'upgraded'
    if (this.ending !== undefined) return 'closing'
    if (this.streams.size > 0) return 'busy'
    return this.requests === 0 ? 'silent' : 'idle'
  }

  /** Every stream in flight has been handed over to another protocol. */
  get onlyTunnels(): boolean {
    for (const { tunnel } of this.streams.values()) if (tunnel === false) return false
    return this.streams.size > 0
  }

  /** Streams may close after their connection: nothing is timed then. */
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

/** Of a socket that carries a governed session. */
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

/** A closed stream has forgotten its session: what is known of it hangs on the stream. */
export function exchangeOf(stream: object): StreamExchange | undefined {
  return isAnswered(stream) ? stream[kExchange] : undefined
}

export function bindExchange(stream: ServerHttp2Stream, exchange: StreamExchange): void {
  exchange.session.streams.set(stream, exchange)
  Object.assign(stream, { [kExchange]: exchange })
}
