import { attempt } from './attempt.js'
import { cut } from './closing.js'
import type { Connection } from './connection.js'
import { isHeldUp } from './floods.js'
import { cutSession } from './goaway.js'
import { bytesTaken, refusesBody } from './node-private.js'
import { Session } from './session.js'
import type { Site } from './site.js'
import { Unacknowledged } from './unacknowledged.js'

/** Milliseconds over which the rate of a body is taken that a peer sends. */
const WINDOW = 5_000
/** What a program reads at once. */
const READ = 65_536
/**
 * Milliseconds that a peer has at first to take something of its response: at 4 kB/s one read lasts so long, and its kernel tells nobody of less. One that
 * has not shown yet that it reads more than once has a bit less, and so has a session, whose windows tell earlier.
 */
const FIRST = 16_500
const UNSHOWN = 12_000
/** What it has taken counts for as long as it lasts at the rate, at most so many milliseconds; any number where only our own kernel could be asked. */
const MOST = 30_000
/** A peer that has more time than this is not looked at more closely. */
const PLENTY = 20_000
/** Milliseconds in which buffers on the way fill up, which says nothing of the peer. */
const FILLING = 2_500
/** How often peers are looked at, in ms: at most. */
const LOOK = 500
/** Bytes per second of the slowest reader, for what our own kernel took: how fast it passes that on is not known. */
const SLOWEST = 4_000

/** What a peer has moved, as far as it has been looked at, and until when it has time. */
interface Sample {
  readonly kind: Awaited['kind']
  readonly bytes: number
  /** Of a response: what the peer itself has taken. */
  readonly taken: number | undefined
  readonly since: number
  readonly until: number
  /** The same where the peer's kernel cannot be asked: what ours took lasts a slow reader so long. */
  readonly generous: number
}

interface Awaited {
  readonly kind: 'output' | 'input'
  /** Bytes that the kernel has taken, or that the peer has sent. */
  readonly bytes: number
}

/**
 * Peers that neither take their response nor send their body. Only the peer's part counts: a handler that writes nothing, or does not
 * read, is waited for.
 */
export class Stalls {
  readonly #minRate: number | false
  readonly #samples = new WeakMap<Connection | Session, Sample>()
  #queues = new Unacknowledged()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(minRate: number | false) {
    this.#minRate = minRate
  }

  /** Those that are slower than the rate for too long. It looks once a second at most. */
  among(peers: Iterable<Connection | Session>, now: number): (Connection | Session)[] {
    if (this.#minRate === false || now - this.#lookedAt < LOOK) return []
    this.#lookedAt = now
    this.#queues = new Unacknowledged()
    const stalled: (Connection | Session)[] = []
    for (const peer of peers) if (this.#isStalled(peer, now, this.#minRate)) stalled.push(peer)
    return stalled
  }

  #isStalled(peer: Connection | Session, now: number, rate: number): boolean {
    const awaited = awaitedOf(peer)
    if (awaited === undefined) {
      this.#samples.delete(peer)
      return false
    }
    const { kind, bytes } = awaited
    const sample = this.#samples.get(peer)
    if (sample === undefined || sample.kind !== kind) {
      const taken = this.#takenBy(peer, awaited)
      const until = now + (kind === 'output' ? firstFor(peer, taken) : WINDOW)
      this.#samples.set(peer, { kind, bytes, taken, since: now, until, generous: until })
      return false
    }
    if (kind === 'output' && sample.until - now > PLENTY) return false
    const taken = this.#takenBy(peer, awaited)
    const credit = (moved: number): number => (Math.max(0, moved) * 1_000) / rate
    const generous = sample.generous + credit(bytes - sample.bytes)
    const moved = taken === undefined ? bytes - sample.bytes : taken - (sample.taken ?? taken)
    const isFilling = kind === 'output' && now - sample.since < FILLING
    const most = isFilling ? sample.since + firstFor(peer, taken) : now + (kind === 'output' ? MOST : WINDOW)
    const until = Math.max(sample.until, Math.min(sample.until + credit(moved), most))
    this.#samples.set(peer, { ...sample, bytes, taken, until, generous })
    return now >= (kind === 'output' && taken === undefined ? Math.max(until, generous) : until)
  }

  #takenBy(peer: Connection | Session, { kind, bytes }: Awaited): number | undefined {
    const waiting = kind === 'output' ? this.#queues.of(peer) : undefined
    return waiting === undefined ? undefined : bytes - waiting
  }
}

/** `taken`: so far, in all. */
function firstFor(peer: Connection | Session, taken: number | undefined): number {
  return peer instanceof Session || (taken !== undefined && taken <= READ) ? UNSHOWN : FIRST
}

/** Peers that take not a byte of what there is for them: `limits.stalled`. Sessions have a rule of their own ({@link Waits}). */
class Silence {
  readonly #longest: number
  readonly #samples = new WeakMap<
    Connection,
    { readonly kernel: number; readonly taken: number | undefined; readonly until: number }
  >()

  constructor(longest: number) {
    this.#longest = longest
  }

  isOver(connection: Connection, now: number, queues: Unacknowledged): boolean {
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
    const waiting = queues.of(connection)
    const taken = waiting === undefined ? undefined : kernel - waiting
    if (taken !== undefined && taken !== sample.taken) {
      const since = sample.taken === undefined ? Math.min(sample.until, now + this.#longest) : now + this.#longest
      this.#samples.set(connection, { kernel, taken, until: since })
      return false
    }
    return now >= sample.until
  }
}

/** `limits.minRate` and `limits.stalled`: the same outside a drain. Returns how to stop it. */
export function guard({ registry, sessions, timers, policy }: Site): () => void {
  const { minRate, stalled } = policy.limits
  const stalls = new Stalls(minRate)
  const silence = new Silence(stalled === false ? Number.POSITIVE_INFINITY : stalled)
  const look = () => {
    const { now } = timers
    for (const peer of stalls.among(peersOf(registry, sessions), now)) attempt(peer, cutStalled)
    if (stalled === false) return
    const queues = new Unacknowledged()
    for (const connection of registry)
      attempt(connection, (one) => void (silence.isOver(one, now, queues) && cut(one, 'stalled')))
  }
  const period = minRate === false && stalled !== false ? Math.min(MOST / 6, Math.max(LOOK / 10, stalled / 8)) : LOOK
  const timer = timers.every(period, look, { unref: true })
  return () => timer.stop()
}

/** The connections and the sessions of a server. */
export function* peersOf(registry: Iterable<Connection>, sessions: Iterable<Session>): Iterable<Connection | Session> {
  yield* registry
  yield* sessions
}

export function cutStalled(peer: Connection | Session): void {
  if (peer instanceof Session) cutSession(peer, 'stalled')
  else cut(peer, 'stalled')
}

function awaitedOf(peer: Connection | Session): Awaited | undefined {
  return peer instanceof Session ? awaitedOfSession(peer) : awaitedOfConnection(peer)
}

/** What we wait for that the peer moves; `undefined` where we do not wait for it. */
function awaitedOfConnection(connection: Connection): Awaited | undefined {
  const { phase, socket, current } = connection
  if (phase !== 'busy' || current === undefined) return undefined
  if (socket.writableLength > 0) return { kind: 'output', bytes: bytesTaken(connection) }
  const { req, res } = current
  // One that was not told yet to send its body does right to wait.
  const wanted = !req.complete && req.readableLength < req.readableHighWaterMark && !refusesBody(res)
  return wanted ? { kind: 'input', bytes: socket.bytesRead } : undefined
}

/** Of a session only where we wait for its peer on every stream: one whose handler takes its time is waited for. */
function awaitedOfSession(session: Session): Awaited | undefined {
  const { streams, socket } = session
  if (streams.size === 0) return undefined
  let output = false
  for (const stream of streams.keys()) {
    if (isHeldUp(stream)) output = true
    else if (stream.endAfterHeaders || stream.readableEnded || stream.readableLength >= stream.readableHighWaterMark)
      return undefined
  }
  // PINGs and SETTINGS, and our answers to them, move nothing.
  return output
    ? { kind: 'output', bytes: bytesTaken(session) - session.answered }
    : { kind: 'input', bytes: socket.bytesRead - session.controlled }
}
