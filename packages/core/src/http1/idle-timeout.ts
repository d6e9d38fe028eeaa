import { performance } from 'node:perf_hooks'
import { attempt } from '../events/attempt.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { inBatches } from '../node/in-batches.js'
import { numberOf } from '../node/server-kinds.js'
import { afterPoll, type Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { GRACE } from '../policy.js'
import { shut } from './close.js'
import type { Connection } from './connection.js'
import { IDLE_QUIET } from './idle.js'
import type { OpenConnections } from './open-connections.js'

/**
 * Milliseconds of a period. Those that went idle in the same one are in no order: to move each connection for each request costs more than to look at
 * them all.
 */
const PERIOD = 100
/** Milliseconds between two looks, at least: those whose hold ends together go together, and are asked for together. */
const STEP = 100
/** No connection has gone idle in this period. */
const NONE = -1

/** Milliseconds that a head may take where nobody said; Node's own default. */
const HEAD = 60_000

/** The server, as far as it is needed here. */
interface Expiring {
  readonly server: AttachableServer
  readonly policy: Policy
  readonly connections: OpenConnections
  readonly timers: Timers
}

/** A connection whose time is over, unless it is used meanwhile. */
interface Due {
  readonly connection: Connection
  readonly requests: number
}

/**
 * Closes idle connections whose hold is over. One timer serves all of a server, and is touched by no request: Node's own, armed for every
 * response and disarmed for every request, costs more than all else that is done for either.
 */
export class IdleTimeout {
  /** The number of the one that lasts. */
  period = 1
  readonly #owner: Expiring
  /** Ends the period, and begins the next one. Stands still after one in which none has gone idle. */
  #clock: NodeJS.Timeout | undefined
  /** When a connection went idle for the first time in the period. */
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

  /** About now, and never later: while a period lasts, since when it does. In whole milliseconds: a fraction would be an object of its own. */
  get about(): number {
    return this.#began === NONE ? Math.floor(performance.now()) : this.#began
  }

  /** The hold has changed. */
  holdAnew(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#look()
  }

  /** Ends a connection that is idle, if it still is when what the kernel has of its input has been read: timers run before I/O. */
  expire(connection: Connection): void {
    this.#expire([{ connection, requests: connection.requests }])
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

  /** The clock goes on from within: to arm another one takes four times as long. */
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
    // Whoever is busy now comes back to the list when it goes idle, and sees that there is a timer again.
    this.#nextPeriod()
    const now = performance.now()
    const hold = this.#hold
    const due: Due[] = []
    let soonest = Number.POSITIVE_INFINITY
    /** The period from which on nobody's hold is over. */
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
        // Promised under another setting, which is kept: others may go before it.
        soonest = Math.min(soonest, lastUsed + promised + GRACE - now, hold)
      } else due.push({ connection, requests })
    }
    if (soonest < Number.POSITIVE_INFINITY) this.#lookIn(soonest)
    if (due.length > 0) this.#expire(due)
  }

  #expire(due: readonly Due[]): void {
    afterPoll(() => inBatches(new Set(due), this.#close))
  }

  readonly #close = ({ connection, requests }: Due): void => {
    if (connection.phase !== 'idle' || connection.requests !== requests || connection.socket.destroyed) return
    // An error that is being answered has a bound of its own.
    if (connection.rare.answering) return
    if (connection.receiving) this.#waitForRest(connection)
    else attempt(connection, (one) => shut(one, 'idle', IDLE_QUIET))
  }

  /**
   * A message has begun to arrive: Node's headersTimeout and requestTimeout bound it. Where they do not (switched off, or a server that is handed
   * its connections and does not listen), whoever sends nothing for as long as a head may take goes.
   */
  #waitForRest(connection: Connection): void {
    const { connections, server } = this.#owner
    const before = connection.socket.bytesRead
    connections.turn(connection, 'busy')
    connection.setTimer(Math.max(this.#hold, numberOf(server, 'headersTimeout') || HEAD), () => {
      if (connection.phase !== 'busy' || connection.current !== undefined) return
      if (connection.socket.bytesRead !== before) this.#waitForRest(connection)
      else shut(connection, 'idle', IDLE_QUIET)
    })
  }
}
