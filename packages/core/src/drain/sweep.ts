import { performance } from 'node:perf_hooks'
import { attempt } from '../events/error-boundary.js'
import type { Events } from '../events/events.js'
import type { Connection } from '../http1/connection.js'
import { noteWritten } from '../http1/response-written.js'
import type { Session } from '../http2/session.js'
import { atOnce } from '../node/parser.js'
import type { Timers } from '../node/timers.js'
import { idleCloseAt, sessionCloseAt, silentCloseAt } from '../policy.js'
import { type AnyConnection, allConnections } from '../server/any-connection.js'
import type { GovernedServer } from '../server/governed-server.js'
import { MinDataRate } from '../server/min-data-rate.js'
import { cutStalled } from '../server/stalled-peers.js'
import { ClosableConnections } from './closable-connections.js'
import type { DrainCounts } from './drain-counts.js'
import { endUpgraded } from './end-upgraded.js'
import type { Schedule } from './schedule.js'

/**
 * Milliseconds after which the client's rest of a TLS record has come, or some of it. This process may have read the first bytes of the record together with the record
 * before, or with the handshake: then only the later bytes show that the client is sending one.
 */
const REST = 250

/** A drain's looks at its connections: which may be closed, and which clients are stalled. */
export class Sweep {
  readonly #servers: readonly GovernedServer[]
  readonly #timers: Timers
  readonly #events: Events
  readonly #schedule: Schedule
  readonly #counts: DrainCounts
  readonly #closable: ClosableConnections
  readonly #minDataRate: MinDataRate
  #hasLooked = false
  #usedAt = 0
  /** Milliseconds for which the process had stood still before the last look. */
  #lostBefore = 0

  constructor(servers: readonly GovernedServer[], timers: Timers, events: Events, schedule: Schedule, counts: DrainCounts) {
    this.#counts = counts
    this.#servers = servers
    this.#timers = timers
    this.#events = events
    this.#schedule = schedule
    this.#minDataRate = new MinDataRate(schedule.plan.minRate)
    this.#closable = new ClosableConnections(
      (connection, now) => this.#mayClose(connection, now),
      () => this.look(),
    )
  }

  /** When the last request arrived; 0: there was none. */
  get lastRequest(): number {
    return this.#usedAt
  }

  /** A request has arrived. */
  used(arrived: number): void {
    this.#usedAt = Math.max(this.#usedAt, arrived)
  }

  look(): void {
    this.#events.attempt(() => atOnce(this.#look))
  }

  readonly #look = (): void => {
    const now = performance.now()
    if (this.#servers.some(({ phase }) => phase === 'leaving')) {
      for (const { sessions } of this.#servers) sessions.tellInTurn(this.#schedule.leftAt(now), (at) => this.#schedule.leftAt(at))
      return
    }
    this.#heedStall(now)
    // The first look at ten thousand connections takes long, since V8 has not compiled it yet: clients' rates are for the second one.
    if (this.#hasLooked) for (const peer of this.#minDataRate.among(this.#peers(), this.#timers.now)) attempt(peer, cutStalled)
    this.#hasLooked = true
    for (const governed of this.#servers) this.#lookAtServer(governed, now)
    this.#closable.close()
  }

  #lookAtServer(governed: GovernedServer, now: number): void {
    for (const session of governed.sessions) attempt(session, () => this.#lookAtSession(session, now))
    for (const connection of governed.connections) {
      attempt(connection, () => this.#lookAt(connection, now))
      if (this.#closable.isFull) break
    }
    const { upgraded, deadline } = this.#schedule.plan
    const over = now - this.#schedule.since - upgraded
    if (over >= 0 && upgraded < deadline) endUpgraded(governed, over >= governed.policy.linger.quiet)
    this.#counts.handshakes += governed.handshakes.destroyWhere((openedAt) => now >= this.#silentCloseAt(openedAt))
  }

  #lookAtSession(session: Session, now: number): void {
    const { owner, openedAt, requests } = session
    const closeAt = sessionCloseAt(this.#schedule.plan.silent, openedAt, requests, this.#schedule.since)
    if (session.ending === undefined && owner.phaseFor(openedAt) === 'draining' && now >= closeAt) this.#closable.add(session)
  }

  #lookAt(connection: Connection, now: number): void {
    noteWritten(connection)
    if (this.#mayClose(connection, now) && !connection.receiving) this.#closable.add(connection)
  }

  #mayClose(connection: Connection, now: number): boolean {
    const { phase, openedAt, owner, raw, lastUsed } = connection
    if (raw !== undefined && now < lastUsed + REST) return false
    const since = this.#schedule.since + this.#schedule.lost
    if (phase === 'idle') {
      const { keepAlive } = owner.policy
      const hold = keepAlive === false ? 0 : keepAlive.hold
      return now >= idleCloseAt(this.#schedule.plan.idle, hold, connection, { since, usedAt: Math.max(since, this.#usedAt) })
    }
    return phase === 'silent' && now >= this.#silentCloseAt(openedAt)
  }

  /** When a connection that has never sent a byte may be closed: only time in which the process was running counts. */
  #silentCloseAt(openedAt: number): number {
    return silentCloseAt(this.#schedule.plan.silent, openedAt, this.#schedule.since) + this.#schedule.lost
  }

  /** While the process stood still no request could be seen, so that time was not quiet. */
  #heedStall(now: number): void {
    const { lost } = this.#timers
    const late = lost - Math.max(this.#lostBefore, lost - this.#schedule.lost)
    if (late > 0) this.#usedAt = Math.min(now, Math.max(this.#usedAt, this.#schedule.since) + late)
    this.#lostBefore = lost
  }

  *#peers(): Iterable<AnyConnection> {
    for (const { connections, sessions } of this.#servers) yield* allConnections(connections, sessions)
  }
}
