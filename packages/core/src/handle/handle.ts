import { Drain } from '../drain/drain.js'
import { Counts, Events } from '../events/events.js'
import { takeOverAll } from '../http1/opened-before-attach.js'
import { type Inherited, inheritedFrom, isShared } from '../node/server-kinds.js'
import { Timers } from '../node/timers.js'
import { parseConnectionLog } from '../options/connection-log.js'
import { fastened } from '../options/drain.js'
import { loggerOf, parseOptions } from '../options/parse.js'
import { copied } from '../options/rules.js'
import { ConnectionLimits } from '../server/connection-limits.js'
import { DescriptorPressure } from '../server/descriptor-pressure.js'
import { GovernedServer } from '../server/governed-server.js'
import { takeOverServer } from '../server/server-events.js'
import type { SharedContext } from '../server/shared-context.js'
import { unseenOf, warnOfUnseen } from '../server/unseen-connections.js'
import type {
  AttachableServer,
  ConnectionsEvents,
  DrainRequest,
  ListRequest,
  OpenConnection,
  Options,
  Policy,
  Report,
  ServerState,
  Stats,
} from '../types.js'
import type { AdapterConnections, AdapterHooks } from './adapter-connections.js'
import { assertAttachable, markAttached } from './connections-of.js'
import { newDrainAbortSignal } from './drain-abort-signal.js'
import { Lister } from './list.js'
import { logConnections } from './log-connections.js'

/** The method that `console.log()` calls. It is taken from the global registry, so that nothing has to be imported. */
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** Node's own defaults, for a handle without a server. */
const NODE: Inherited = { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 }

/** One policy, its servers, and their drain. */
export class Handle implements AdapterConnections {
  readonly #options: unknown
  readonly #hooks: AdapterHooks
  readonly #events: Events
  readonly #shared: SharedContext
  readonly #timers = new Timers((error) => this.#events.failed(error))
  readonly #told = new Set<string>()
  #servers: GovernedServer[] = []
  #policy: Policy
  #state: ServerState = 'serving'
  #drainSignal = newDrainAbortSignal()
  #underWay: Drain | undefined
  #report: Promise<Report> | undefined
  /** Made when the application asks what is open. */
  #lister: Lister | undefined
  /** The drain began because the last server was closed. */
  #byClose = false

  constructor(options: Options | undefined, hooks: AdapterHooks) {
    this.#options = copied(options)
    this.#hooks = hooks
    const { policy } = parseOptions(options, NODE, hooks.alsoKnown)
    this.#events = new Events(loggerOf(options), hooks.quiet)
    this.#policy = this.#parse(NODE)
    const counts = new Counts()
    const limits = new ConnectionLimits(policy, counts, new DescriptorPressure(() => this.#servers, this.#events))
    this.#shared = { events: this.#events, counts, limits, timers: this.#timers, intercept: hooks.intercept }
    const log = parseConnectionLog(options)
    if (log !== undefined) logConnections(this.#events, log)
  }

  get state(): ServerState {
    return this.#state
  }

  get ready(): boolean {
    return this.#state === 'serving'
  }

  get signal(): AbortSignal {
    return this.#drainSignal.signal
  }

  get policy(): Policy {
    return this.#servers[0]?.policy ?? this.#policy
  }

  remaining(): number {
    return this.#underWay === undefined ? Number.POSITIVE_INFINITY : this.#underWay.remaining()
  }

  attach(server: AttachableServer, listening?: unknown): this {
    assertAttachable(server)
    // Only drain() says that the application leaves. If just its last server was closed, another server is a new life.
    if (this.#state === 'drained' || this.#byClose) this.#startAnew()
    const governed = new GovernedServer(server, this.#parse(inheritedFrom(server)), this.#shared)
    markAttached(server, this)
    governed.listener.isShared = isShared(listening)
    takeOverServer(governed, {
      close: (closing) => this.#close(closing),
      policyFor: ({ inherited }) => this.#parse(inherited),
      hasOneLife: this.#hooks.once === true,
      relisten: (again) => this.#relisten(again),
      onFirstInjectedConnection: () => this.#hooks.onFirstInjectedConnection?.(),
    })
    this.#servers.push(governed)
    if (this.#servers.length === 1) this.#policy = governed.policy
    takeOverAll(governed)
    warnOfUnseen(server, this.#events, () => this.stats().connections)
    if (this.#underWay !== undefined) void this.#close(governed)
    this.#hooks.attached?.(server)
    return this
  }

  list(request?: ListRequest): OpenConnection[] {
    this.#lister ??= new Lister()
    return this.#lister.list(this.#servers, request, this.#underWay?.lastRequest ?? 0)
  }

  stats(): Stats {
    const open = { silent: 0, busy: 0, idle: 0, closing: 0, lingering: 0, upgraded: 0 }
    for (const { connections, sessions } of this.#servers) {
      connections.countInto(open)
      sessions.countInto(open)
    }
    return { ...this.#shared.counts.stats(open), unseen: this.#servers.reduce((sum, governed) => sum + unseenOf(governed), 0) }
  }

  relieve(count: number): number {
    return this.#shared.limits.pressure.relief.relieve(count)
  }

  on<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this {
    this.#events.on(event, listener)
    return this
  }

  once<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this {
    this.#events.once(event, listener)
    return this
  }

  off<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): this {
    this.#events.off(event, listener)
    return this
  }

  /** It may be a listener of a signal, as it is: `process.once('SIGTERM', connections.drain)`. Not to throw there counts more than what is wrong with it. */
  readonly drain = (request?: DrainRequest | string | null): Promise<Report> => {
    this.#byClose = false
    return this.#drain(typeof request === 'string' ? { reason: request } : (request ?? {}))
  }

  async answered(): Promise<void> {
    const drained = this.drain()
    await Promise.race([drained, this.#underWay?.onlyUpgraded])
  }

  #drain({ reason = 'drain', fast = false }: DrainRequest): Promise<Report> {
    if (this.#report === undefined) {
      const { drain } = this.policy
      const life = this.#drainSignal
      const plan = fast ? fastened(drain) : drain
      // Servers that the application closed one by one are draining already, within the same bounds.
      const servers = this.#servers.filter((governed) => governed.drain === undefined)
      const others = this.#servers.flatMap((governed) => (governed.drain === undefined ? [] : [governed.drain.done]))
      this.#underWay = new Drain({
        servers,
        events: this.#events,
        timers: this.#timers,
        plan,
        reason,
        onPhase: (state) => {
          if (life === this.#drainSignal) this.#enter(state, reason)
        },
        others,
      })
      this.#report = this.#underWay.done
      this.#underWay.start()
    }
    return this.#report
  }

  /** For `console.log(connections)`: the state and the counts. */
  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { open, connections, requests, promisesBroken } = this.stats()
    const shown = { state: this.#state, servers: this.#servers.length, open, connections, requests, promisesBroken }
    return `Connections ${inspect(shown, options)}`
  }

  /** Closes one server: alone if others serve; the last one drains the whole handle. */
  async #close(governed: GovernedServer): Promise<void> {
    const others = this.#servers.some((other) => other !== governed && other.phase === 'serving' && other.server.listening)
    if (governed.drain === undefined && (others || this.#underWay !== undefined)) {
      const plan = this.#underWay === undefined ? governed.policy.drain : this.#underWay.rest()
      const drain = new Drain({
        servers: [governed],
        events: this.#events,
        timers: this.#timers,
        plan,
        reason: 'server.close',
        onPhase: () => {},
      })
      this.#underWay?.join(drain.done)
      drain.start()
      await drain.done
      this.#forget(governed)
    } else if (governed.drain !== undefined) await governed.drain.done
    else {
      this.#byClose = true
      await this.#drain({ reason: 'server.close' })
      this.#forget(governed)
    }
  }

  #forget(governed: GovernedServer): void {
    this.#servers = this.#servers.filter((other) => other !== governed)
  }

  #enter(state: ServerState, reason: string): void {
    const previous = this.#state
    this.#state = state
    if (state === 'draining') this.#drainSignal.abort()
    if (this.#events.hears('state')) this.#events.state({ state, previous, reason })
  }

  /** A drained application listens again, as tests do: it starts a new life, with a new signal. */
  #startAnew(): void {
    this.#servers = this.#servers.filter((governed) => governed.phase !== 'drained')
    this.#drainSignal = newDrainAbortSignal()
    this.#underWay = undefined
    this.#report = undefined
    this.#byClose = false
    this.#enter('serving', 'listen')
  }

  /** A drained server listens again: a new life for it, and for the handle if all its servers had drained. */
  #relisten(governed: GovernedServer): void {
    if (this.#hooks.once === true) {
      governed.nowListening()
      return
    }
    if (this.#state === 'drained') this.#startAnew()
    governed.revive()
    if (!this.#servers.includes(governed)) this.#servers.push(governed)
    // The rest of the application is leaving.
    if (this.#underWay !== undefined && !this.#byClose) void this.#close(governed)
  }

  #parse(inherited: Inherited): Policy {
    const { policy, warnings } = parseOptions(this.#options, inherited, this.#hooks.alsoKnown)
    for (const warning of warnings) {
      if (this.#told.has(warning.message)) continue
      this.#told.add(warning.message)
      this.#events.warn(warning)
    }
    return policy
  }
}
