import { performance } from 'node:perf_hooks'
import { attempt } from '../events/error-boundary.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { inBatches } from '../node/in-batches.js'
import { hasBegun } from '../node/parser.js'
import { clearTimeout } from '../node/real-timers.js'
import { numberOf } from '../node/server-kinds.js'
import { afterPoll, type Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { GRACE } from '../policy.js'
import { bytesArrived } from '../socket/bytes-arrived.js'
import { WINDOW } from '../socket/slow-reader.js'
import { closeOutputFirst } from './close.js'
import type { Connection } from './connection.js'
import { closeQuiet, IDLE_QUIET } from './idle.js'
import type { OpenConnections } from './open-connections.js'

/**
 * Milliseconds of a period. Connections that went idle in the same period are in no order: moving a connection in the list for each request would
 * cost more than looking at all of them.
 */
const PERIOD = 100
/** The shortest time between two looks, in milliseconds: connections whose hold ends at about the same time are closed together. */
const STEP = 100
/** No connection has gone idle in this period. */
const NONE = -1

/** Milliseconds that a head may take where the server sets no bound; Node's own default. */
const HEAD = 60_000

/** The part of the server that is needed here. */
interface Expiring {
  readonly server: AttachableServer
  readonly policy: Policy
  readonly connections: OpenConnections
  readonly timers: Timers
}

/** A connection whose hold is over, unless it is used meanwhile. */
interface Expired {
  readonly connection: Connection
  readonly requests: number
}

/**
 * Closes idle connections whose hold is over. One timer serves all connections of a server, and no request touches it: Node's own timer, armed for
 * every response and disarmed for every request, costs more than all else that is done for either.
 */
export class IdleTimeout {
  /** The number of the present period. */
  period = 1
  readonly #owner: Expiring
  /** Ends the period and begins the next one. It stops after a period in which no connection has gone idle. */
  #clock: NodeJS.Timeout | undefined
  /** When the first connection of the period went idle. */
  #began = NONE
  #timer: NodeJS.Timeout | undefined

  constructor(owner: Expiring) {
    this.#owner = owner
  }

  /** A connection has gone idle for the first time in this period. */
  rest(connection: Connection): void {
    connection.period = this.period
    this.#owner.connections.rest(connection)
    if (this.#began === NONE) this.#began = Math.floor(performance.now())
    this.#clock ??= this.#owner.timers.arm(PERIOD, this.#tick, true)
    if (this.#timer === undefined) this.#lookIn(this.#hold)
  }

  /**
   * The time now or a little earlier, never later: the time when the period began, if one is under way. In whole milliseconds: a fraction would be an
   * object of its own.
   */
  get about(): number {
    return this.#began === NONE ? Math.floor(performance.now()) : this.#began
  }

  /** The hold has changed. */
  holdAnew(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#look()
  }

  /**
   * The application's timer for an idle connection has fired: closes it if its promise is over, unless it turns out not to be idle when the input in the kernel
   * has been read: timers run before I/O.
   */
  expire(connection: Connection): void {
    if (performance.now() >= connection.promiseUntil + GRACE) this.#expire([{ connection, requests: connection.requests }])
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#clock)
    this.#timer = undefined
    this.#clock = undefined
    this.#began = NONE
  }

  get #hold(): number {
    const { keepAlive } = this.#owner.policy
    return keepAlive === false ? 0 : keepAlive.hold
  }

  #lookIn(ms: number): void {
    this.#timer = this.#owner.timers.arm(Math.max(ms, STEP), this.#look, true)
  }

  /** The timer refreshes itself: arming another one takes four times as long. */
  readonly #tick = (): void => {
    if (this.#began === NONE) this.#clock = undefined
    else this.#clock?.refresh()
    this.#nextPeriod()
  }

  #nextPeriod(): void {
    this.#began = NONE
    this.period++
  }

  readonly #look = (): void => {
    this.#timer = undefined
    // A connection that is busy now comes back to the list when it goes idle, and a timer is armed again then.
    this.#nextPeriod()
    const now = performance.now()
    const hold = this.#hold
    const expired: Expired[] = []
    let soonest = Number.POSITIVE_INFINITY
    /** The first period in which no connection's hold is over. */
    let last: number | undefined
    const { connections } = this.#owner
    for (const connection of connections.rested) {
      const { phase, period, lastUsed, promised, requests } = connection
      if (phase !== 'idle') {
        connections.setAside(connection)
        continue
      }
      if (last !== undefined && period !== last) break
      const left = lastUsed + hold - now
      if (left > 0) {
        last = period
        soonest = Math.min(soonest, left)
      } else if (lastUsed + promised + GRACE > now) {
        // The promise was made under an earlier setting, and it is kept. Connections behind this one may be closed before it.
        soonest = Math.min(soonest, lastUsed + promised + GRACE - now, hold)
      } else expired.push({ connection, requests })
    }
    if (soonest < Number.POSITIVE_INFINITY) this.#lookIn(soonest)
    if (expired.length > 0) this.#expire(expired)
  }

  #expire(expired: readonly Expired[]): void {
    afterPoll(() => inBatches(new Set(expired), this.#close))
  }

  readonly #close = ({ connection, requests }: Expired): void => {
    if (connection.phase !== 'idle' || connection.requests !== requests || connection.socket.destroyed) return
    // The answer to an error has a bound of its own.
    if (connection.rare.answering) return
    if (connection.receivingAlone) this.#waitForRest(connection)
    else attempt(connection, (one) => closeQuiet(one, 'idle'))
  }

  /**
   * A message has begun to arrive: Node's headersTimeout and requestTimeout bound it. Where they do not (switched off, or a server that is given its
   * connections and does not listen), the connection is closed if it sends nothing for as long as a head may take. `until`: when the client has had its time.
   */
  #waitForRest(connection: Connection, until = Number.POSITIVE_INFINITY): void {
    const { connections, server, timers } = this.#owner
    const { socket } = connection
    const before = bytesArrived(connection)
    connections.turn(connection, 'busy')
    const most = Math.max(this.#hold, numberOf(server, 'headersTimeout') || HEAD)
    const end = Math.min(until, timers.now + most)
    // Node bounds only what its parser has been given. Of a TLS record more has to arrive; and if it comes byte by byte, it is not given that time twice.
    connection.setTimer(hasBegun(socket) === false ? Math.min(WINDOW, end - timers.now) : most, () => {
      if (connection.phase !== 'busy' || connection.current !== undefined) return
      const isRecord = hasBegun(socket) === false
      if (bytesArrived(connection) === before || (isRecord && timers.now >= end)) closeOutputFirst(connection, 'idle', IDLE_QUIET)
      else this.#waitForRest(connection, isRecord ? end : undefined)
    })
  }
}
