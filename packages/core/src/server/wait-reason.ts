import type { ServerHttp2Stream } from 'node:http2'
import { performance } from 'node:perf_hooks'
import { seconds } from '../events/seconds.js'
import { size } from '../events/size.js'
import type { Connection } from '../http1/connection.js'
import { awaitsBody } from '../http1/exchange.js'
import { isHeldUp } from '../http2/abuse-limits.js'
import type { Session, StreamExchange } from '../http2/session.js'
import { bytesQueued, bytesTaken } from '../node/socket-handle.js'
import { GRACE } from '../policy.js'
import { bytesArrived } from '../socket/bytes-arrived.js'
import type { AnyConnection } from './any-connection.js'

// What each open connection waits for, in words on which an operator can act. They are logged and shown, so they have to be true of the application
// and the client.

const HANDLER = 'the handler'
const BEGUN = 'the handler, whose response has begun'
const CLOSE = 'the client to close its end'
const NOTHING_YET = 'the client has sent nothing yet'

interface Sample {
  readonly kind: string
  readonly bytes: number
  readonly at: number
  readonly moves: boolean | undefined
}

/** Two looks closer to each other than this count as one, in ms. */
const ONE = 100
/** An older look says nothing about the present, in ms. */
const OLD = 10_000

/** What a client has moved between two looks at it. A single look cannot tell a slow client from one that has stopped. */
export class PeerProgress {
  readonly #last = new WeakMap<object, Sample>()

  /** Whether `bytes` has grown since the last look; `undefined`: there was no recent look. */
  moves(peer: object, kind: 'output' | 'input', bytes: number, now: number): boolean | undefined {
    const last = this.#last.get(peer)
    const knows = last !== undefined && last.kind === kind && now - last.at < OLD
    if (knows && now - last.at < ONE) return last.moves
    const moves = knows ? bytes > last.bytes : undefined
    this.#last.set(peer, { kind, bytes, at: now, moves })
    return moves
  }
}

/** One look at the open connections. */
export interface Look {
  readonly now: number
  readonly progress: PeerProgress
  /** When the last request arrived on any connection, if a drain waits for that; else 0. */
  readonly lastRequest: number
}

/** `progress`: what earlier looks have found. */
export function beginLook(progress: PeerProgress, lastRequest = 0): Look {
  return { now: performance.now(), progress, lastRequest }
}

/** What a connection waits for. */
export function waitsFor(connection: Connection, look: Look): string {
  switch (connection.state) {
    case 'silent':
      return NOTHING_YET
    case 'idle':
      return nextRequest(connection, look)
    case 'lingering':
      return CLOSE
    case 'upgraded':
      return otherProtocol(connection.rare.upgrade?.protocol, connection.rare.upgrade?.method)
    default:
      return connection.current === undefined ? withoutExchange(connection, look) : answer(connection, look)
  }
}

/** What a stream of a session waits for. */
export function streamWaitsFor(
  session: Session,
  stream: ServerHttp2Stream,
  { tunnel, method }: StreamExchange,
  look: Look,
): string {
  if (tunnel !== false) return otherProtocol(tunnel, method)
  if (isHeldUp(stream)) {
    const queued = Math.max(stream.writableLength, bytesQueued(session))
    return output(session, queued, bytesTaken(session) - session.answered, look)
  }
  const isRead = stream.readableLength < stream.readableHighWaterMark
  if (!stream.endAfterHeaders && !stream.readableEnded && !stream.writableEnded && isRead)
    return input(session, session.socket.bytesRead - session.controlled, look)
  return stream.headersSent ? BEGUN : HANDLER
}

/** What a session without a stream waits for. */
export function sessionWaitsFor({ state }: Session): string {
  return state === 'silent' ? NOTHING_YET : state === 'idle' ? 'the next request' : CLOSE
}

function answer(connection: Connection, look: Look): string {
  const { socket, raw, current } = connection
  if (socket.writableLength > 0) {
    const taken = bytesTaken(connection)
    const unsent = raw === undefined ? socket.bytesWritten - taken : Math.max(socket.writableLength, bytesQueued(connection))
    return output(connection, unsent, taken, look)
  }
  if (current === undefined) return HANDLER
  if (awaitsBody(current)) return input(connection, bytesArrived(connection), look)
  return current.res.headersSent ? BEGUN : HANDLER
}

/** What a connection waits for without a request that the application knows of. */
function withoutExchange(connection: Connection, look: Look): string {
  const { ending, socket, rare } = connection
  const { answering, waiting, failure, unread } = rare
  if (socket.writableLength > 0) return answer(connection, look)
  if (answering || waiting !== undefined || failure !== undefined) return HANDLER
  if (unread !== undefined) return input(connection, bytesArrived(connection), look)
  return ending === undefined ? 'the client does not finish its request' : CLOSE
}

function output(peer: AnyConnection, unsent: number, taken: number, { progress, now }: Look): string {
  const moves = progress.moves(peer, 'output', taken, now) ?? peer.owner.unacknowledged.isTaking(peer)
  return `the client ${moves ? 'takes its response' : 'does not read'}: ${size(unsent)} unsent`
}

function input(peer: AnyConnection, received: number, { progress, now }: Look): string {
  return progress.moves(peer, 'input', received, now) === true
    ? 'the client is sending its body'
    : 'the client does not send its body'
}

/** What an idle connection waits for: until when it is kept, and for whom. */
function nextRequest({ owner, lastUsed, promiseUntil }: Connection, { now, lastRequest }: Look): string {
  if (now < promiseUntil) return `the next request, promised for ${seconds(promiseUntil - now)} more`
  const { keepAlive } = owner.policy
  if (keepAlive === false || keepAlive.hold <= keepAlive.timeout + GRACE) return 'the next request, promised until just now'
  // In a drain a request on any connection shows that the proxy still uses them.
  const since = now - Math.max(lastUsed, lastRequest)
  return `held for the proxy, ${seconds(Math.max(0, since))} since the last request`
}

/** The client chooses the name, so it is checked. */
function otherProtocol(protocol: string | undefined, method: string | undefined): string {
  if (protocol !== undefined && protocol !== 'CONNECT' && /^[\w.+-]{1,40}$/.test(protocol)) return protocol.toLowerCase()
  return method === 'CONNECT' ? 'a CONNECT tunnel' : 'another protocol'
}
