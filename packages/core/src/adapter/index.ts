/**
 * `@halfclose/core/adapter`: what the framework adapters share, for authors of adapters. An adapter says which servers belong to its application and how that is
 * closed; everything else is decided here and in the core. Not covered by semver before 1.0.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WarningCode } from '../errors/codes.js'
import { HalfcloseTypeError } from '../errors/errors.js'
import type { AdapterConnections } from '../handle/adapter-connections.js'
import { createConnections } from '../handle/attach.js'
import { connectionsOf, isAttached } from '../handle/connections-of.js'
import type { Intercept } from '../http/messages.js'
import { measure } from '../metrics/option.js'
import { setImmediate } from '../node/real-timers.js'
import { openServers } from '../node/server-fields.js'
import { isViewServer } from '../node/view-server.js'
import {
  attachedForDrainMessage,
  elsewhereMessage,
  NOT_GOVERNED,
  recognisedMessage,
  UngovernedServers,
} from '../process/ungoverned-servers.js'
import { watchListen } from '../process/watch-listen.js'
import type { AttachableServer, StateEvent } from '../types.js'
import type { Application } from './application.js'
import { type AdapterChoices, type AdapterOptions, chooseOptions } from './options.js'
import { Check, interceptProbes, livenessAnswer, type ReadinessAnswer } from './readiness.js'
import { Shutdown } from './shutdown.js'

export { describe, HalfcloseTypeError, optionTypeError } from '../errors/errors.js'
export type { MetricsOptions } from '../metrics/option.js'
export type * from '../types.js'
export type { Application } from './application.js'
export type { AdapterOptions } from './options.js'
export { type ReadinessAnswer, readinessAnswer } from './readiness.js'

const GOVERNED: unique symbol = Symbol.for('halfclose.governed')
/** The name of the application that stands for all servers of a process which belong to no other one. */
export const REGISTER = 'register'

/**
 * Puts an application's servers under one policy: those that call its handler when they begin to listen, and those that are passed to `connections.attach(server)`.
 *
 * @throws `HALFCLOSE_OPTION_…`, `HALFCLOSE_UNSUPPORTED_RUNTIME`, and `HALFCLOSE_ALREADY_REGISTERED` for the second call
 */
export function govern(application: Application, options: AdapterOptions | undefined): Governed {
  if (GOVERNED in application.handler) throw new HalfcloseTypeError('HALFCLOSE_ALREADY_REGISTERED', application.already)
  const governed = new Governed(application, chooseOptions(options, application.logger))
  Object.defineProperty(application.handler, GOVERNED, { value: governed, configurable: true })
  return governed
}

/** A route that is answered without the application. */
export interface Probe {
  /** The path, without a query. */
  readonly path: string
  /** The answer to a probe now; a promise if the application has to be asked. */
  answer(): ReadinessAnswer | Promise<ReadinessAnswer>
}

/** An application whose connections are governed. */
export class Governed {
  /** The handle: all servers of the application, under one policy. */
  readonly connections: AdapterConnections
  /** The routes of probes. The servers answer them; this is for requests that reach no server (Fastify's `inject`). */
  readonly probes: readonly Probe[]
  readonly #application: Application
  readonly #choices: AdapterChoices
  readonly #stopWatching: () => void
  readonly #intercept: Intercept | undefined
  readonly #ungoverned: UngovernedServers
  #hasServer = false
  readonly #shutdown: Shutdown
  #announced = false

  constructor(application: Application, choices: AdapterChoices) {
    this.#application = application
    this.#choices = choices
    const { readiness, liveness } = choices
    const check =
      readiness &&
      new Check(
        readiness,
        () => this.connections,
        (ready, why) => this.#checked(ready, why),
      )
    const isAsked = check !== undefined || liveness !== undefined
    this.#intercept = isAsked ? interceptProbes(readiness?.path, check, liveness) : undefined
    this.probes = [
      ...(readiness && check ? [{ path: readiness.path, answer: () => check.answer() }] : []),
      ...(liveness === undefined ? [] : [{ path: liveness, answer: livenessAnswer }]),
    ]
    this.#ungoverned = new UngovernedServers(
      {
        isGoverned: isAttached,
        // Kept for a signal. If the application has a server of its own, others belong to other code: metrics, for example.
        remembersThem: () => choices.signals.length > 0 && !this.#hasServer,
        recognised: (server, req, res) => this.#recognised(server, req, res),
        reachedThrough: (server) => this.#governedElsewhere(server),
        serverListens: () => this.#shutdown.join(),
        noServerListens: () => this.standDown(),
      },
      application.watchRequests,
    )
    this.connections = createConnections(choices.core, {
      alsoKnown: ['signals', 'readiness', 'liveness', 'metrics', ...application.alsoKnown],
      intercept: this.#intercept,
      once: application.close !== undefined,
      quiet: choices.whyFast !== undefined,
      attached: (server) => this.#observe(server),
      onFirstInjectedConnection: () => this.#listening(),
    })
    Object.defineProperty(this.connections, GOVERNED, { value: application.name })
    if (choices.metrics !== undefined) measure(this.connections, choices.metrics)
    this.#shutdown = new Shutdown({
      application,
      choices,
      connections: this.connections,
      attachUngoverned: (reason) => this.#attachUngoverned(reason),
      warn: (code, message) => this.#warn(code, message),
      tell: (code, message) => this.#tell(code, message),
    })
    this.connections.on('state', (event) => this.#onState(event))
    this.#stopWatching = watchListen(this)
    if (application.watchRequests !== undefined) this.#lookAround()
  }

  /** For an application that is governed late: its server may listen already. Or it never listens, and other code passes it connections. */
  #lookAround(): void {
    this.#findListening()
    setImmediate(() => {
      // This finds a server that was looking up its address meanwhile.
      this.#findListening()
      // The usual application has a server by then, and its requests are not checked.
      if (!this.#hasServer) this.#ungoverned.look()
    }).unref()
  }

  #findListening(): void {
    if (this.#hasServer) return
    for (const server of openServers()) {
      if (server.listening && this.#isCalledBy(server)) this.adopt(server, undefined)
    }
  }

  /** A server is about to listen: attaches it if it is the application's, unless it is attached by hand. */
  adopt(server: AttachableServer, listening: unknown): void {
    if (isViewServer(server)) return
    const isOwn = this.#isCalledBy(server)
    if (isAttached(server)) {
      if (isOwn) this.#governedElsewhere(server)
    } else if (isOwn) {
      this.connections.attach(server, listening)
      this.#application.adopted?.(server)
    } else this.#ungoverned.add(server, listening)
  }

  #isCalledBy(server: AttachableServer): boolean {
    return server.listeners('request').some((listener) => listener === this.#application.handler)
  }

  /** Another handle governs a server of the application: that of `attach` or of `--import @halfclose/core/register`. That handle's policy applies, and it leaves with the application. */
  #governedElsewhere(server: AttachableServer): void {
    const handle = connectionsOf(server)
    if (handle === undefined || handle === this.connections) return
    const by = GOVERNED in handle ? handle[GOVERNED] : undefined
    // It belongs to another application.
    if (by !== undefined && by !== REGISTER) return
    if (!this.#shutdown.governedBy(handle)) return
    this.#hasServer = true
    if (this.#choices.isMore) this.#warn('HALFCLOSE_GOVERNED_ELSEWHERE', elsewhereMessage(by === REGISTER))
    this.#shutdown.join()
  }

  /** Another handle governs the server, and may listen to no signal: it leaves with this application, like every governed server of a process that a signal ends. */
  accompany(server: AttachableServer): void {
    if (connectionsOf(server) !== undefined) this.#shutdown.join()
  }

  /** No server serves any more: signals are left to other code until a server listens again. */
  standDown(): void {
    this.#shutdown.standDown()
  }

  /** The application has closed for good. */
  release(): void {
    this.#stopWatching()
    this.standDown()
  }

  #observe(server: AttachableServer): void {
    if (server.listening) this.#listening()
    else server.once('listening', () => this.#listening())
  }

  /** A server of the application serves. One that was only made may never do so: Fastify makes a server for an application that another server calls. */
  #listening(): void {
    this.#hasServer = true
    this.#ungoverned.forgetKept()
    this.#ungoverned.stopLookingAhead()
    this.#shutdown.join()
    if (this.#announced || this.#choices.whyFast === undefined) return
    this.#announced = true
    const { deadline } = this.connections.policy.drain
    const message = `halfclose: drains fast, in ${deadline} ms at most, because ${this.#choices.whyFast}; the option \`drain\` overrules that`
    this.#choices.core.logger?.info({}, message)
  }

  /** A request shows that a server is the application's, which was not known. */
  #recognised(server: AttachableServer, req: IncomingMessage, res: ServerResponse): boolean {
    this.connections.attach(server, this.#ungoverned.listenOptions(server))
    this.#warn(NOT_GOVERNED, recognisedMessage(server, this.#isCalledBy(server)))
    if (!server.listening) {
      this.#shutdown.join()
      this.#shutdown.waitFor(res)
    }
    // This response is not governed, so the client should send the next request on a new connection.
    if (req.httpVersionMajor < 2) res.shouldKeepAlive = false
    return this.#intercept?.(req, res) === true
  }

  /** The application was told to leave, and none of its servers is known: servers without an owner leave with it. */
  #attachUngoverned(reason: string): void {
    for (const server of this.#ungoverned.kept) {
      if (isAttached(server)) continue
      this.connections.attach(server, this.#ungoverned.listenOptions(server))
      this.#warn(NOT_GOVERNED, attachedForDrainMessage(server, reason))
    }
  }

  #onState({ state, reason }: StateEvent): void {
    if (state === 'serving') this.#shutdown.startAnew()
    if (state !== 'drained') return
    // The last server was closed, which does not mean that the application closes: tests make and close a server for each request.
    const done = reason === 'server.close' ? Promise.resolve(true) : this.#shutdown.drained(this.connections.drain())
    if (this.#application.close === undefined) void done.then(() => this.connections.state === 'drained' && this.standDown())
  }

  #warn(code: WarningCode, message: string): void {
    const { logger } = this.#choices.core
    if (logger) logger.warn({ code }, message)
    else process.emitWarning(message, { type: 'HalfcloseWarning', code })
  }

  /** The answer of the application's own check has changed. */
  #checked(ready: boolean, why: string): void {
    if (ready) this.#choices.core.logger?.info({}, 'halfclose: ready again')
    else this.#warn('HALFCLOSE_NOT_READY', `halfclose: \`readiness.check\` says that the application is not ready: ${why}`)
  }

  /** Logs information; without a logger, a warning. */
  #tell(code: WarningCode, message: string): void {
    const { logger } = this.#choices.core
    if (logger) logger.info({}, message)
    else this.#warn(code, message)
  }
}
