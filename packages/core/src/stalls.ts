import { attempt } from './attempt.js'
import { cut } from './closing.js'
import type { Connection } from './connection.js'
import { isHeldUp } from './floods.js'
import { cutSession } from './goaway.js'
import { bytesTaken, refusesBody } from './node-private.js'
import { Session } from './session.js'
import type { Site } from './site.js'

/** The window over which a rate is taken, in ms. */
const WINDOW = 5_000
/** How often the guard looks, in ms. */
const LOOK = 1_000

interface Sample {
  readonly at: number
  readonly bytes: number
}

/**
 * Peers that neither take their response nor send their body. Only the peer's part counts: a handler that writes nothing, or does not
 * read, is waited for.
 */
export class Stalls {
  readonly #minRate: number | false
  readonly #samples = new WeakMap<Connection | Session, Sample>()

  constructor(minRate: number | false) {
    this.#minRate = minRate
  }

  /** Whether the peer has been slower than the rate for a whole window. */
  isStalled(connection: Connection | Session, now: number): boolean {
    if (this.#minRate === false) return false
    const bytes = connection instanceof Session ? bytesOfSession(connection) : bytesAwaited(connection)
    if (bytes === undefined) {
      this.#samples.delete(connection)
      return false
    }
    const sample = this.#samples.get(connection)
    if (sample !== undefined && now - sample.at < WINDOW) return false
    this.#samples.set(connection, { at: now, bytes })
    return sample !== undefined && ((bytes - sample.bytes) * 1_000) / (now - sample.at) < this.#minRate
  }
}

/** `limits.minRate`: the same outside a drain, for whoever asked for it. Returns how to stop it. */
export function guard({ registry, sessions, timers }: Site, minRate: number): () => void {
  const stalls = new Stalls(minRate)
  const look = () => {
    const { now } = timers
    for (const connection of registry) attempt(connection, (one) => void (stalls.isStalled(one, now) && cut(one, 'stalled')))
    for (const session of sessions) attempt(session, (one) => void (stalls.isStalled(one, now) && cutSession(one, 'stalled')))
  }
  const timer = timers.every(LOOK, look, { unref: true })
  return () => timer.stop()
}

/** How many bytes the peer has moved of what we wait for; `undefined` where we do not wait for it. */
function bytesAwaited(connection: Connection): number | undefined {
  const { phase, socket, current } = connection
  if (phase !== 'busy' || current === undefined) return undefined
  if (socket.writableLength > 0) return bytesTaken(connection)
  const { req, res } = current
  // One that was not told yet to send its body does right to wait.
  const wanted = !req.complete && req.readableLength < req.readableHighWaterMark && !refusesBody(res)
  return wanted ? socket.bytesRead : undefined
}

/** Of a session only where we wait for its peer on every stream: one whose handler takes its time is waited for. */
function bytesOfSession(session: Session): number | undefined {
  const { streams, socket } = session
  if (streams.size === 0) return undefined
  let output = false
  for (const stream of streams.keys()) {
    if (isHeldUp(stream)) output = true
    else if (stream.endAfterHeaders || stream.readableEnded || stream.readableLength >= stream.readableHighWaterMark)
      return undefined
  }
  // PINGs and SETTINGS, and our answers to them, move nothing.
  return output ? bytesTaken(session) - session.answered : socket.bytesRead - session.controlled
}
