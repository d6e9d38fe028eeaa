import type { Duplex } from 'node:stream'
import { attempt } from '../events/error-boundary.js'
import type { RefusingLimit } from '../events/types.js'
import { closeOutputFirst } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { closeIfQuiet } from '../http1/idle.js'
import { goAway, goAwayAfterPoll } from '../http2/goaway.js'
import { Session } from '../http2/session.js'
import { atOnce } from '../node/parser.js'
import type { Policy } from '../options/types.js'
import type { HandshakeSlot, HandshakeSlots } from '../socket/tls-handshakes.js'
import type { AnyConnection } from './any-connection.js'
import { ConnectionSlots } from './connection-slots.js'
import type { DescriptorPressure } from './descriptor-pressure.js'

const UNLIMITED: HandshakeSlot = Object.freeze({ kind: 'unlimited' })
const EXCESS: HandshakeSlot = Object.freeze({ kind: 'excess' })

/**
 * Milliseconds for which idle connections over the limit are collected, to be closed together: to know whether one is really idle, all parsers have
 * to be asked.
 */
const TOGETHER = 50

/**
 * How many connections may be open: in all, per client, and idle. A connection over a limit is not cut: it gets an answer that its client can read
 * (503, Retry-After, close), without a handler; a readiness probe is answered as usual.
 */
export class ConnectionLimits implements HandshakeSlots {
  readonly #limits: Policy['limits']
  /** The counts of the handle. */
  readonly #counts: { readonly refused: Record<RefusingLimit, number> }
  /** How many refused connections may wait for their request at once. */
  readonly #mostExcess: number
  readonly #slots: ConnectionSlots
  /** The connections that hold a slot. */
  readonly #slotHolders = new Set<AnyConnection>()
  /** TLS handshakes of connections that will be refused once their client can read the answer. */
  #excessHandshakes = 0
  /** In the order in which they went idle: the first has been idle longest. Filled only if there is a limit. */
  readonly #idle = new Set<AnyConnection>()
  /** Idle connections over the limit: they are closed unless they are used meanwhile. */
  readonly #overIdle: { readonly connection: Connection; readonly requests: number }[] = []
  readonly #excess = new Set<AnyConnection>()
  /** Refused connections for which there was a slot, but no descriptor. */
  readonly #wanting = new Set<AnyConnection>()
  /** The connection that was just accepted, if it has to be refused because descriptors run short. */
  #pressed: object | undefined

  constructor(
    { limits, linger }: Policy,
    counts: { readonly refused: Record<RefusingLimit, number> },
    /** How many descriptors the process has left. */
    readonly pressure: DescriptorPressure,
  ) {
    this.#counts = counts
    this.#limits = limits
    this.#slots = new ConnectionSlots(limits)
    this.#mostExcess = linger.connections
  }

  /**
   * Whether a stream that has just been accepted is dropped at once: the policy says so and there is no slot for it (the stream is the one below
   * TLS), or there is no descriptor left to answer with.
   */
  drops(stream: object): boolean {
    const admission = this.pressure.admit(stream)
    if (admission === 'taken') return this.#limits.refuse === 'drop' && !this.#hasRoom(stream)
    if (admission === 'dropped' || this.#limits.refuse === 'drop') return true
    this.#pressed = stream
    return false
  }

  #hasRoom(stream: object): boolean {
    return !this.#slots.areLimited || this.#slots.hasRoom(this.#slots.clientOf(stream))
  }

  /** Whether there are too few descriptors for a connection. With TLS the question is asked again, because the handshake took a while. */
  #isPressed({ raw, socket }: AnyConnection): boolean {
    if (raw !== undefined) return this.pressure.refuses(raw)
    if (this.#pressed === undefined) return false
    const isPressed = this.#pressed === socket
    this.#pressed = undefined
    return isPressed
  }

  /** Destroys a stream that has just been accepted, and counts it as refused. */
  drop(stream: Duplex): void {
    this.#counts.refused[this.#hasRoom(stream) ? 'descriptors' : this.#slots.limitOver()]++
    stream.destroy()
  }

  /** Takes a connection in, or marks it as over a limit. */
  enter(connection: AnyConnection): void {
    const isPressed = this.#isPressed(connection)
    if (!this.#slots.areLimited && !isPressed) return
    const client = this.#slots.clientOf(connection.raw ?? connection.socket)
    const hasRoom = this.#slots.hasRoom(client)
    if (hasRoom && !isPressed) {
      this.#takeSlot(connection, client)
      return
    }
    connection.excess = true
    // Counted when it is refused: a count does not go down.
    if (hasRoom) this.#wanting.add(connection)
    else this.#counts.refused[this.#slots.limitOver()]++
    this.#await(connection)
  }

  /**
   * The request of a connection that was to be refused for want of descriptors has arrived: other connections may have gone idle since, and can be
   * closed instead.
   */
  enterAnew(connection: AnyConnection): void {
    if (!this.#wanting.delete(connection)) return
    const stream = connection.raw ?? connection.socket
    if (!this.#hasRoom(stream) || this.pressure.refuses(stream)) {
      this.#counts.refused.descriptors++
      return
    }
    connection.excess = false
    this.#excess.delete(connection)
    this.#takeSlot(connection, this.#slots.clientOf(stream))
  }

  #takeSlot(connection: AnyConnection, client: string | undefined): void {
    if (!this.#slots.areLimited) return
    this.#slots.take(client)
    this.#slotHolders.add(connection)
    if (client !== undefined) connection.client = client
  }

  /** A connection has ended, or lingers: its input is discarded then, and `linger.connections` bounds how many linger. */
  leave(connection: AnyConnection): void {
    if (this.#idle.size > 0) this.#idle.delete(connection)
    if (this.#wanting.size > 0 && this.#wanting.delete(connection)) this.#counts.refused.descriptors++
    if (this.#excess.size > 0 && this.#excess.delete(connection)) return
    if (this.#slotHolders.size > 0 && this.#slotHolders.delete(connection)) this.#slots.leave(connection.client)
  }

  /**
   * A TLS handshake begins. `undefined`: the stream has to be dropped, because there is no slot and the policy says so, or because handshakes hold
   * the slots: to answer it would take one more handshake.
   */
  enterHandshake(raw: Duplex): HandshakeSlot | undefined {
    const admission = this.pressure.admit(raw)
    if (admission === 'dropped' || (admission === 'refused' && this.#limits.refuse === 'drop')) return undefined
    if (!this.#slots.areLimited) return UNLIMITED
    const client = this.#slots.clientOf(raw)
    if (this.#slots.hasRoom(client)) {
      this.#slots.take(client, true)
      return { kind: 'slot', client }
    }
    const isDropped = this.#limits.refuse === 'drop' || this.#slots.areHeldByHandshakes(client)
    if (isDropped || this.#excessHandshakes >= this.#mostExcess) return undefined
    this.#excessHandshakes++
    return EXCESS
  }

  /** The handshake is finished, or has ended. */
  leaveHandshake({ kind, client }: HandshakeSlot): void {
    if (kind === 'slot') this.#slots.leave(client, true)
    else if (kind === 'excess') this.#excessHandshakes--
  }

  /**
   * Over the limit, the connection that has been idle longest is closed. If even its promise is not over, it is the oldest promise, and counts as
   * broken.
   */
  idle(connection: AnyConnection): void {
    if (this.#limits.idle === false) return
    this.#idle.add(connection)
    if (this.#idle.size <= this.#limits.idle) return
    for (const longest of this.#idle) {
      this.#idle.delete(longest)
      if (longest instanceof Session) goAwayAfterPoll(longest, 'limit', ({ streams }) => streams.size === 0)
      else if (this.#overIdle.push({ connection: longest, requests: longest.requests }) === 1)
        longest.owner.timers.after(TOGETHER, this.#closeOverIdle, { unref: true })
      return
    }
  }

  readonly #closeOverIdle = (): void => {
    const over = this.#overIdle.splice(0)
    atOnce(() => {
      for (const { connection, requests } of over)
        if (connection.requests === requests) attempt(connection, (one) => closeIfQuiet(one, 'limit', 'limit'))
    })
  }

  busy(connection: AnyConnection): void {
    if (this.#limits.idle !== false) this.#idle.delete(connection)
  }

  /**
   * A connection over a limit waits for its request, because HTTP has no response without a request; but only for a while, and only beside a bounded
   * number of others.
   */
  #await(connection: AnyConnection): void {
    const { quiet } = connection.owner.policy.linger
    connection.setTimer(quiet, () => refuse(connection))
    this.#excess.add(connection)
    if (this.#excess.size <= this.#mostExcess) return
    for (const oldest of this.#excess) {
      this.#excess.delete(oldest)
      if (oldest instanceof Session) goAway(oldest, 'limit')
      else closeOutputFirst(oldest, 'limit')
      return
    }
  }
}

/** It sent no request. */
function refuse(connection: AnyConnection): void {
  if (connection instanceof Session) goAway(connection, 'limit')
  else closeIfQuiet(connection, 'limit')
}
