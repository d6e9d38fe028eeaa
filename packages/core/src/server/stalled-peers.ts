import { attempt } from '../events/error-boundary.js'
import { cut } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { awaitsBody } from '../http1/exchange.js'
import { readToBrokenEnd } from '../http1/unfinished-body.js'
import { isHeldUp } from '../http2/abuse-limits.js'
import { cutSession } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import { bytesTaken } from '../node/socket-handle.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { beginPatience, goOn, isOver, type Patience, takenOf, WINDOW } from '../socket/slow-reader.js'

/** The shortest time between two looks, in ms. */
const LOOK = 500
/** Bytes per second at which the slowest reader takes what our own kernel has: the real speed is not known. */
const SLOWEST = 4_000

interface Awaited {
  readonly kind: 'output' | 'input'
  /** Bytes that the kernel has taken, or that the client has sent. */
  readonly bytes: number
}

/** What a client has moved up to the last look, and until when it has time. */
type Sample = OutputSample | InputSample

interface InputSample {
  readonly kind: 'input'
  readonly bytes: number
  /** `bytesRead` of the socket, and of the TCP socket below TLS. */
  readonly read: number
  readonly ciphertext: number
  readonly until: number
}

interface OutputSample {
  readonly kind: 'output'
  /** Bytes that our kernel has taken. */
  readonly kernel: number
  readonly at: number
  /** Set once our kernel takes less than the rate. */
  readonly patience: Patience | undefined
}

/**
 * Finds clients that neither take their response nor send their body. Only the client's part counts: a handler that writes nothing, or does not read,
 * is waited for.
 */
export class MinDataRate {
  readonly #minRate: number | false
  readonly #samples = new WeakMap<Connection | Session, Sample>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(minRate: number | false) {
    this.#minRate = minRate
  }

  /** The clients that have been slower than the rate for too long. It looks twice a second at most. */
  among(peers: Iterable<Connection | Session>, now: number): (Connection | Session)[] {
    if (this.#minRate === false || now - this.#lookedAt < LOOK) return []
    this.#lookedAt = now
    const stalled: (Connection | Session)[] = []
    for (const peer of peers) if (this.#isStalled(peer, now, this.#minRate)) stalled.push(peer)
    return stalled
  }

  #isStalled(peer: Connection | Session, now: number, rate: number): boolean {
    const awaited = awaitedOf(peer)
    if (awaited === undefined) {
      if (!(peer instanceof Session)) readToBrokenEnd(peer)
      this.#samples.delete(peer)
      return false
    }
    const sample = this.#samples.get(peer)
    if (awaited.kind === 'input') return this.#sendsNothing(peer, sample, awaited.bytes, now, rate)
    return this.#takesNothing(peer, sample?.kind === 'output' ? sample : undefined, awaited.bytes, now, rate)
  }

  /** While our kernel takes output at the rate, the client is reading. Only where it takes less is the client's own kernel asked. */
  #takesNothing(
    peer: Connection | Session,
    before: OutputSample | undefined,
    kernel: number,
    now: number,
    rate: number,
  ): boolean {
    if (before === undefined || (kernel - before.kernel) * 1_000 >= (now - before.at) * rate) {
      this.#samples.set(peer, { kind: 'output', kernel, at: now, patience: undefined })
      return false
    }
    const taken = takenOf(kernel, peer.owner.unacknowledged.of(peer))
    const patience = before.patience === undefined ? beginPatience(taken, before.at) : goOn(before.patience, taken, now, rate)
    this.#samples.set(peer, { kind: 'output', kernel, at: now, patience })
    return isOver(patience, now)
  }

  #sendsNothing(peer: Connection | Session, sample: Sample | undefined, bytes: number, now: number, rate: number): boolean {
    const read = peer.socket.bytesRead
    const ciphertext = peer.raw?.bytesRead ?? 0
    let until = now + WINDOW
    if (sample?.kind === 'input') {
      // A slow client needs many seconds for a TLS record, and until that is whole nothing of it can be decrypted.
      const sent = read === sample.read ? ciphertext - sample.ciphertext : bytes - sample.bytes
      until = Math.min(sample.until + (sent * 1_000) / rate, until)
    }
    this.#samples.set(peer, { kind: 'input', bytes, read, ciphertext, until })
    return now >= until
  }
}

/** What a client has taken up to the last look, and until when it has time to take more. */
interface SendSample {
  readonly kernel: number
  readonly taken: number | undefined
  readonly until: number
}

/** Finds clients that take no byte of what waits for them: `limits.stalled`. Sessions have a rule of their own ({@link StalledSessions}). */
class SendTimeout {
  readonly #longest: number
  readonly #samples = new WeakMap<Connection, SendSample>()

  constructor(longest: number) {
    this.#longest = longest
  }

  isOver(connection: Connection, now: number): boolean {
    const awaited = awaitedOf(connection)
    const sample = this.#samples.get(connection)
    if (awaited?.kind !== 'output') {
      if (sample !== undefined) this.#samples.delete(connection)
      return false
    }
    const kernel = awaited.bytes
    if (sample === undefined || kernel !== sample.kernel) {
      const generous = sample === undefined ? 0 : ((kernel - sample.kernel) * 1_000) / SLOWEST
      this.#samples.set(connection, { kernel, taken: undefined, until: now + Math.max(this.#longest, generous) })
      return false
    }
    const { unacknowledged } = connection.owner
    if (this.#hasTaken(connection, kernel, sample, unacknowledged.of(connection), now) || now < sample.until) return false
    // The kernel's lists may be older than the bound, where reading them takes long: they are read anew before a client is cut.
    return !this.#hasTaken(connection, kernel, sample, unacknowledged.ofNow(connection), now)
  }

  /** Whether the client has taken something since the sample. Then its time begins anew. */
  #hasTaken(connection: Connection, kernel: number, sample: SendSample, waiting: number | undefined, now: number): boolean {
    const taken = waiting === undefined ? undefined : kernel - waiting
    if (taken === undefined || taken === sample.taken) return false
    const until = sample.taken === undefined ? Math.min(sample.until, now + this.#longest) : now + this.#longest
    this.#samples.set(connection, { kernel, taken, until })
    return true
  }
}

/** The part of the server that is needed here. */
interface WatchedServer {
  readonly connections: Iterable<Connection>
  readonly sessions: Iterable<Session>
  readonly timers: Timers
  readonly policy: Policy
}

/** Applies `limits.minRate` and `limits.stalled`, inside and outside of a drain. Returns a function that stops it. */
export function watchForStalledPeers({ connections, sessions, timers, policy }: WatchedServer): () => void {
  const { minRate, stalled } = policy.limits
  const minDataRate = new MinDataRate(minRate)
  const sendTimeout = new SendTimeout(stalled === false ? Number.POSITIVE_INFINITY : stalled)
  const look = () => {
    const { now } = timers
    for (const peer of minDataRate.among(peersOf(connections, sessions), now)) attempt(peer, cutStalled)
    if (stalled === false) return
    for (const connection of connections)
      attempt(connection, (one) => {
        if (sendTimeout.isOver(one, now)) cut(one, 'stalled')
      })
  }
  const period = minRate === false && stalled !== false ? Math.min(WINDOW, Math.max(LOOK / 10, stalled / 8)) : LOOK
  const timer = timers.every(period, look, { unref: true })
  return () => timer.stop()
}

/** The connections and the sessions of a server. */
export function* peersOf(connections: Iterable<Connection>, sessions: Iterable<Session>): Iterable<Connection | Session> {
  yield* connections
  yield* sessions
}

export function cutStalled(peer: Connection | Session): void {
  if (peer instanceof Session) cutSession(peer, 'stalled')
  else cut(peer, 'stalled')
}

function awaitedOf(peer: Connection | Session): Awaited | undefined {
  return peer instanceof Session ? awaitedOfSession(peer) : awaitedOfConnection(peer)
}

/** What the server waits for the client to move; `undefined` if it does not wait for the client. */
function awaitedOfConnection(connection: Connection): Awaited | undefined {
  const { phase, socket, current } = connection
  if (phase !== 'busy' || current === undefined) return undefined
  if (socket.writableLength > 0) return { kind: 'output', bytes: bytesTaken(connection) }
  return awaitsBody(current) ? { kind: 'input', bytes: socket.bytesRead } : undefined
}

/** The same for a session: only if the server waits for the client on every stream. A handler that takes its time is waited for. */
function awaitedOfSession(session: Session): Awaited | undefined {
  const { streams, socket } = session
  if (streams.size === 0) return undefined
  let output = false
  for (const stream of streams.keys()) {
    if (isHeldUp(stream)) output = true
    else if (stream.endAfterHeaders || stream.readableEnded || stream.readableLength >= stream.readableHighWaterMark)
      return undefined
  }
  // PINGs, SETTINGS and the answers to them are no progress.
  return output
    ? { kind: 'output', bytes: bytesTaken(session) - session.answered }
    : { kind: 'input', bytes: socket.bytesRead - session.controlled }
}
