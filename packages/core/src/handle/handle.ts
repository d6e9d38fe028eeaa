import { setMaxListeners } from 'node:events'
import { Run } from '../drain/drain.js'
import { optionTypeError } from '../errors/errors.js'
import { Counts, Events } from '../events/events.js'
import type { Intercept } from '../http/messages.js'
import { takeOverAll } from '../http1/opened-before-attach.js'
import { type Inherited, inheritedFrom, isShared } from '../node/server-kinds.js'
import { Timers } from '../node/timers.js'
import { parseConnectionLog } from '../options/connection-log.js'
import { FAST_DRAIN, loggerOf, parseOptions } from '../options/parse.js'
import { count as atLeast } from '../options/rules.js'
import { Site } from '../server/governed-server.js'
import { Capacity } from '../server/limits.js'
import { Pressure } from '../server/pressure.js'
import { connectionForwarder, forwarder, govern, requestForwarder } from '../server/server-events.js'
import { unseenOf } from '../server/unseen-connections.js'
import type {
  AttachableServer,
  Connections,
  ConnectionsEvents,
  DrainPolicy,
  DrainRequest,
  ListRequest,
  OpenConnection,
  Options,
  Policy,
  Report,
  ServerState,
  Stats,
} from '../types.js'
import { assertAttachable, markAttached } from './attached.js'
import { logConnections } from './connection-log.js'
import { Lister } from './list.js'

/** What an adapter adds to the options. */
export interface Extras {
  /** Names of options that the adapter reads itself. */
  alsoKnown?: readonly string[] | undefined
  /** Answers a request before the application sees it; true: it did. */
  intercept?: Intercept | undefined
  /** The application has one life: a server of it that begins to listen after the drain is closed again. */
  once?: boolean | undefined
  /** A server has come under the policy. */
  attached?: ((server: AttachableServer) => void) | undefined
  /** Lines that come with every server are logged once: nobody waits for a drain, since this is a test. */
  quiet?: boolean | undefined
  /** A server that does not listen has got its first connection, from others that listen for it. */
  fed?: (() => void) | undefined
}

/** What an adapter's handle can do besides. */
export interface AdapterConnections extends Connections {
  /** `listening`: the options of a listen() that is under way. */
  attach(server: AttachableServer, listening?: unknown): this
  /**
   * Drains; resolves as soon as whatever is left has been handed over to another protocol, so that the application can close that
   * (WebSockets): it has until the drain's deadline, like everything else.
   */
  answered(): Promise<void>
}

/** What `console.log()` asks an object for; in the global registry, so that nothing is imported. */
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** Node's own defaults, for a handle that has no server yet. */
const NODE: Inherited = { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 }

/** One policy, its servers, and their drain. */
export class Handle implements AdapterConnections {
  readonly #options: Options | undefined
  readonly #extras: Extras
  readonly #counts = new Counts()
  readonly #events: Events
  readonly #capacity: Capacity
  readonly #timers = new Timers((error) => this.#events.failed(error))
  readonly #told = new Set<string>()
  #sites: Site[] = []
  #policy: Policy
  #state: ServerState = 'serving'
  #leaving = newLeaving()
  #run: Run | undefined
  #report: Promise<Report> | undefined
  /** Made when somebody asks who is open. */
  #lister: Lister | undefined
  /** The drain began because the last server was closed. */
  #byClose = false

  constructor(options: Options | undefined, extras: Extras) {
    this.#options = options
    this.#extras = extras
    const { policy } = parseOptions(options, NODE, extras.alsoKnown)
    this.#events = new Events(loggerOf(options), extras.quiet)
    this.#policy = this.#parse(NODE)
    this.#capacity = new Capacity(policy, this.#counts, new Pressure(() => this.#sites, this.#events))
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
    return this.#leaving.signal
  }

  get policy(): Policy {
    return this.#sites[0]?.policy ?? this.#policy
  }

  remaining(): number {
    return this.#run === undefined ? Number.POSITIVE_INFINITY : this.#run.remaining()
  }

  attach(server: AttachableServer, listening?: unknown): this {
    assertAttachable(server)
    // Only drain() says that the application leaves. Where its last server was just closed, one more is a new life.
    if (this.#state === 'drained' || this.#byClose) this.#startAnew()
    const site = new Site(
      server,
      this.#parse(inheritedFrom(server)),
      this.#events,
      this.#counts,
      this.#capacity,
      this.#timers,
      this.#extras.intercept,
      forwarder(server),
      requestForwarder(server),
      connectionForwarder(server),
    )
    markAttached(server, this)
    site.sharesListener = isShared(listening)
    govern(site, {
      close: (closing) => this.#close(closing),
      policyFor: ({ inherited }) => this.#parse(inherited),
      hasOneLife: this.#extras.once === true,
      relisten: (again) => this.#relisten(again),
      fed: () => this.#extras.fed?.(),
    })
    this.#sites.push(site)
    if (this.#sites.length === 1) this.#policy = site.policy
    takeOverAll(site)
    this.#warnOfUnseen(server)
    if (this.#run !== undefined) void this.#close(site)
    this.#extras.attached?.(server)
    return this
  }

  list(request?: ListRequest): OpenConnection[] {
    this.#lister ??= new Lister()
    return this.#lister.list(this.#sites, request, this.#run?.lastRequest ?? 0)
  }

  stats(): Stats {
    const open = { silent: 0, busy: 0, idle: 0, closing: 0, lingering: 0, upgraded: 0 }
    for (const { registry, sessions } of this.#sites) {
      registry.countInto(open)
      sessions.countInto(open)
    }
    return { ...this.#counts.stats(open), unseen: this.#sites.reduce((sum, site) => sum + unseenOf(site), 0) }
  }

  relieve(count: number): number {
    const most = count === Number.POSITIVE_INFINITY ? count : atLeast(count, 'relieve(count)', 0)
    if (most === undefined) throw optionTypeError('relieve(count)', 'an integer of at least 0', count)
    return this.#capacity.pressure.relieve(most)
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

  drain(request?: DrainRequest): Promise<Report> {
    this.#byClose = false
    return this.#drain(request)
  }

  async answered(): Promise<void> {
    const drained = this.drain()
    await Promise.race([drained, this.#run?.onlyUpgraded])
  }

  #drain({ reason = 'drain', fast = false }: DrainRequest = {}): Promise<Report> {
    if (this.#report === undefined) {
      const { drain } = this.policy
      const life = this.#leaving
      const plan = fast ? fastened(drain) : drain
      // Servers that somebody closed one by one are draining already, within the same bounds.
      const sites = this.#sites.filter((site) => site.run === undefined)
      const others = this.#sites.flatMap((site) => (site.run === undefined ? [] : [site.run.done]))
      this.#run = new Run(
        sites,
        this.#events,
        this.#timers,
        plan,
        reason,
        (state) => {
          if (life === this.#leaving) this.#enter(state, reason)
        },
        others,
      )
      this.#report = this.#run.done
      this.#run.start()
    }
    return this.#report
  }

  /** For `console.log(connections)`: where it stands, and its counts. */
  [INSPECT](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { open, connections, requests, promisesBroken } = this.stats()
    const shown = { state: this.#state, servers: this.#sites.length, open, connections, requests, promisesBroken }
    return `Connections ${inspect(shown, options)}`
  }

  /** One of several servers drains alone; the last one takes the handle with it. */
  async #close(site: Site): Promise<void> {
    const others = this.#sites.some((other) => other !== site && other.phase === 'serving' && other.server.listening)
    if (site.run === undefined && (others || this.#run !== undefined)) {
      const plan = this.#run === undefined ? site.policy.drain : this.#run.rest()
      const run = new Run([site], this.#events, this.#timers, plan, 'server.close', () => {})
      this.#run?.join(run.done)
      run.start()
      await run.done
      this.#forget(site)
    } else if (site.run !== undefined) await site.run.done
    else {
      this.#byClose = true
      await this.#drain({ reason: 'server.close' })
      this.#forget(site)
    }
  }

  #forget(site: Site): void {
    this.#sites = this.#sites.filter((other) => other !== site)
  }

  #enter(state: ServerState, reason: string): void {
    const previous = this.#state
    this.#state = state
    if (state === 'draining') this.#leaving.abort()
    if (this.#events.hears('state')) this.#events.state({ state, previous, reason })
  }

  /** A drained application that listens again, as tests do: a new life, with a signal of its own. */
  #startAnew(): void {
    this.#sites = this.#sites.filter((site) => site.phase !== 'drained')
    this.#leaving = newLeaving()
    this.#run = undefined
    this.#report = undefined
    this.#byClose = false
    this.#enter('serving', 'listen')
  }

  /** A server that had drained listens again: for it and, where everything had drained, for the handle that is a new life. */
  #relisten(site: Site): void {
    if (this.#extras.once === true) {
      site.nowListening()
      return
    }
    if (this.#state === 'drained') this.#startAnew()
    site.revive()
    if (!this.#sites.includes(site)) this.#sites.push(site)
    // The rest of the application is leaving.
    if (this.#run !== undefined && !this.#byClose) void this.#close(site)
  }

  #parse(inherited: Inherited): Policy {
    const { policy, warnings } = parseOptions(this.#options, inherited, this.#extras.alsoKnown)
    for (const warning of warnings) {
      if (this.#told.has(warning.message)) continue
      this.#told.add(warning.message)
      this.#events.warn(warning)
    }
    return policy
  }

  #warnOfUnseen(server: AttachableServer): void {
    if (!server.listening) return
    server.getConnections((error, open) => {
      const seen = this.stats()
      const unseen = open - (seen.connections.opened - seen.connections.closed)
      if (error !== null || unseen <= 0) return
      const message = `halfclose: attached to a server with ${unseen} open connections that it cannot see; attach before listen()`
      this.#events.warn({ code: 'HALFCLOSE_UNSEEN_CONNECTIONS', message })
    })
  }
}

/** As `'fast'`, and no slower than the policy has it. */
function fastened({ deadline, upgraded }: DrainPolicy): DrainPolicy {
  const { deadline: most } = FAST_DRAIN
  return { ...FAST_DRAIN, deadline: Math.min(most, deadline), upgraded: Math.min(most, upgraded) }
}

/** Every event stream may listen: more than ten are no leak. */
function newLeaving(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
