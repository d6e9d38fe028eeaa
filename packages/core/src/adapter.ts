/**
 * `@halfclose/core/adapter`: what the adapters for frameworks share, for their authors. An adapter says which servers belong to its
 * application and how that is closed; everything else is decided here and in the core. Not covered by semver before 1.0.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AdapterChoices, type AdapterOptions, chooseOptions } from './adapter-options.js'
import { createConnections } from './attach.js'
import type { WarningCode } from './codes.js'
import { HalfcloseTypeError } from './errors.js'
import type { AdapterConnections } from './handle.js'
import { interceptReadiness } from './readiness.js'
import type { Intercept } from './requests.js'
import { isAttached } from './servers.js'
import { joinSignals, type LeaveRequest, type Participant } from './signals.js'
import { NOT_GOVERNED, Strangers, takenMessage, unmaskedMessage, type WatchRequests } from './strangers.js'
import type { AttachableServer, Logger, Report, StateEvent } from './types.js'
import { watchListen } from './watch-listen.js'

export type { AdapterOptions } from './adapter-options.js'
export { describe, HalfcloseTypeError, optionTypeError } from './errors.js'
export { type ReadinessAnswer, readinessAnswer } from './readiness.js'
export type * from './types.js'

/** What an adapter knows of its application. */
export interface Application {
  /** For the log, e.g. `'express'`. */
  readonly name: string
  /** The `request` listener of the application's servers: what tells them from others, and what carries the mark that it is governed. */
  readonly handler: object
  /** Names of options that the adapter, or the framework, reads itself. */
  readonly alsoKnown: readonly string[]
  /** Where the options have none. */
  readonly logger?: Logger | undefined
  /** What is wrong, and the line that would be right, where this application is governed already. */
  readonly already: string
  /** One of the application's servers was attached because it is about to listen. */
  adopted?(server: AttachableServer): void
  /**
   * How one sees the application's requests. With it a server that cannot be told by the handler is recognised by the first request that
   * comes through it. Not for applications whose servers are all attached by the adapter.
   */
  readonly watchRequests?: WatchRequests | undefined
  /** Closes the application on a signal. Called as soon as the drain has begun. Without it the application ends with its last connection. */
  close?(): Promise<unknown>
  /** After a drain that was asked for; a signal waits for it. */
  drained?: ((report: Report) => unknown) | undefined
}

const GOVERNED = Symbol.for('halfclose.governed')

/**
 * Puts an application's servers under one policy: those that call its handler when they begin to listen, and those that
 * `connections.attach(server)` is given.
 *
 * @throws `HALFCLOSE_OPTION_…`, `HALFCLOSE_UNSUPPORTED_RUNTIME`, and `HALFCLOSE_ALREADY_REGISTERED` for the second call
 */
export function govern(application: Application, options: AdapterOptions | undefined): Governed {
  if (GOVERNED in application.handler) throw new HalfcloseTypeError('HALFCLOSE_ALREADY_REGISTERED', application.already)
  const governed = new Governed(application, chooseOptions(options, application.logger))
  Object.defineProperty(application.handler, GOVERNED, { value: governed, configurable: true })
  return governed
}

/** An application whose connections are governed. */
export class Governed {
  readonly connections: AdapterConnections
  /** The readiness route's path. The servers answer it by themselves; this is for what bypasses them (Fastify's `inject`). */
  readonly readiness: string | undefined
  readonly #application: Application
  readonly #choices: AdapterChoices
  readonly #stopWatching: () => void
  readonly #intercept: Intercept | undefined
  readonly #strangers: Strangers
  #hasServer = false
  #leaveSignals: (() => void) | undefined
  #announced = false
  #afterwards: Promise<boolean> | undefined

  constructor(application: Application, choices: AdapterChoices) {
    this.#application = application
    this.#choices = choices
    this.readiness = choices.readiness
    this.#intercept = choices.readiness === undefined ? undefined : interceptReadiness(choices.readiness, () => this.connections)
    this.#strangers = new Strangers(
      {
        isGoverned: isAttached,
        // For a signal. Where the application has a server of its own, others are somebody else's: metrics, for example.
        keepsThem: () => choices.signals && !this.#hasServer,
        unmasked: (server, req, res) => this.#unmasked(server, req, res),
        appeared: () => this.#joinSignals(),
        vanished: () => this.standDown(),
      },
      application.watchRequests,
    )
    this.connections = createConnections(choices.core, {
      alsoKnown: ['signals', 'readiness', ...application.alsoKnown],
      intercept: this.#intercept,
      once: application.close !== undefined,
      attached: (server) => this.#observe(server),
    })
    for (const { code, message } of choices.warnings) this.#warn(code, message)
    this.connections.on('state', (event) => this.#onState(event))
    this.#stopWatching = watchListen(this)
  }

  /** A server is about to listen: attaches it if it is one of the application's, unless somebody has attached it by hand. */
  adopt(server: AttachableServer, listening: unknown): void {
    if (isAttached(server)) return
    if (server.listeners('request').some((listener) => listener === this.#application.handler)) {
      this.connections.attach(server, listening)
      this.#application.adopted?.(server)
      return
    }
    this.#strangers.add(server, listening)
  }

  /** Nothing serves any more: signals are somebody else's until a server listens again. */
  standDown(): void {
    this.#leaveSignals?.()
    this.#leaveSignals = undefined
  }

  /** The application has closed, for good. */
  release(): void {
    this.#stopWatching()
    this.standDown()
  }

  #observe(server: AttachableServer): void {
    this.#hasServer = true
    this.#strangers.forgetKept()
    if (server.listening) this.#listening()
    else server.once('listening', () => this.#listening())
  }

  #listening(): void {
    this.#joinSignals()
    if (this.#announced || this.#choices.hurry === undefined) return
    this.#announced = true
    const { deadline } = this.connections.policy.drain
    const message = `halfclose: drains fast, in ${deadline} ms at most, because ${this.#choices.hurry}; the option \`drain\` overrules that`
    this.#choices.core.logger?.info({}, message)
  }

  #joinSignals(): void {
    if (this.#choices.signals) this.#leaveSignals ??= joinSignals(this.#participant())
  }

  /** A request shows that a server is the application's, which it was not known to be. */
  #unmasked(server: AttachableServer, req: IncomingMessage, res: ServerResponse): boolean {
    this.connections.attach(server, this.#strangers.listenOptions(server))
    this.#warn(NOT_GOVERNED, unmaskedMessage(server))
    // Its connection is not governed: the next request had better come on one that is.
    if (req.httpVersionMajor < 2) res.shouldKeepAlive = false
    return this.#intercept?.(req, res) === true
  }

  /** Told to leave, and no server is known to be the application's: then those that are nobody's leave with it. */
  #takeStrangers(reason: string): void {
    for (const server of this.#strangers.kept) {
      if (isAttached(server)) continue
      this.connections.attach(server, this.#strangers.listenOptions(server))
      this.#warn(NOT_GOVERNED, takenMessage(server, reason))
    }
  }

  #onState({ state, reason }: StateEvent): void {
    // A new life: somebody listens again.
    if (state === 'serving') this.#afterwards = undefined
    if (state !== 'drained') return
    // The last server was closed, which says nothing of the application: tests make and close a server per request.
    const done = reason === 'server.close' ? Promise.resolve(true) : this.#drained(this.connections.drain())
    if (this.#application.close === undefined) void done.then(() => this.connections.state === 'drained' && this.standDown())
  }

  /** Once per drain; resolves with whether it went well. */
  #drained(report: Promise<Report>): Promise<boolean> {
    this.#afterwards ??= report
      .then((settled) => this.#application.drained?.(settled))
      .then(
        () => true,
        (error: unknown) => {
          this.#warn(
            'HALFCLOSE_CLOSE_FAILED',
            `halfclose: onDrained failed: ${error instanceof Error ? error.stack : String(error)}`,
          )
          return false
        },
      )
    return this.#afterwards
  }

  #participant(): Participant {
    const { connections } = this
    return {
      name: this.#application.name,
      leave: (request) => this.#leave(request),
      progress: () => {
        const open = Object.entries(connections.stats().open).filter(([, count]) => count > 0)
        const states = open.map(([state, count]) => `${count} ${state}`).join(', ') || 'nothing'
        return `${states} open, ${Math.round(connections.remaining())} ms before its deadline`
      },
      warn: (message) => this.#warn('HALFCLOSE_CLOSE_FAILED', message),
    }
  }

  async #leave({ reason, fast }: LeaveRequest): Promise<boolean> {
    const hurry = fast && this.#choices.hurryAtTerminal
    if (hurry)
      this.#choices.core.logger?.info(
        {},
        `halfclose: ${reason} from a terminal: drains fast; the option \`drain\` overrules that`,
      )
    this.#takeStrangers(reason)
    const report = this.connections.drain({ reason, fast: hurry })
    await this.#application.close?.()
    const closed = await this.#drained(report)
    return closed && (await report).clean
  }

  #warn(code: WarningCode, message: string): void {
    const { logger } = this.#choices.core
    if (logger) logger.warn({ code }, message)
    else process.emitWarning(message, { type: 'HalfcloseWarning', code })
  }
}
