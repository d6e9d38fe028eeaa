import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { WarningCode } from '../errors/codes.js'
import { HalfcloseTypeError, quote } from '../errors/errors.js'
import { nearest } from '../errors/spelling.js'
import { nextTick } from '../node/real-timers.js'
import { inItsOrder, textOf } from './logger.js'
import type {
  CloseReason,
  ConnectionsEvents,
  Logger,
  PromiseBreaker,
  RefusingLimit,
  Report,
  Stats,
  WarningEvent,
} from './types.js'

/** What is counted over the life of a handle. */
export class Counts {
  received = 0
  finished = 0
  opened = 0
  closed = 0
  cut = 0
  aborted = 0
  dropped = 0
  /** How many closed connections carried a request, and how many requests those carried. */
  used = 0
  carried = 0
  /** Refused connections, by the limit that they were over. */
  readonly refused: Record<RefusingLimit, number> = { connections: 0, perClient: 0, descriptors: 0 }
  /** The requests of all drains. */
  readonly drain = { finished: 0, rescued: 0, cut: 0 }
  readonly closes: Partial<Record<CloseReason, number>> = {}
  readonly closedFirst = { server: 0, peer: 0 }
  readonly promisesBroken: Partial<Record<PromiseBreaker, number>> = {}

  /** A copy, for the application. `open`: the connections that are open now, by state. */
  stats(open: Stats['open']): Stats {
    const { opened, closed, received, finished, cut, aborted, dropped, used, carried } = this
    return {
      open,
      connections: { opened, closed, refused: this.allRefused },
      requests: { received, finished, cut, aborted, dropped },
      reuse: used === 0 ? 0 : carried / used,
      closes: { ...this.closes },
      closedFirst: { ...this.closedFirst },
      promisesBroken: { ...this.promisesBroken },
      refused: { ...this.refused },
      drain: { ...this.drain },
    }
  }

  get allRefused(): number {
    const { connections, perClient, descriptors } = this.refused
    return connections + perClient + descriptors
  }
}

/** Adds one to the count of `key`. */
export function count<K extends string>(counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1
}

// The channels on which an APM listens: they carry the payloads of the handles' events, for every handle in the process.
const channels = {
  state: channel('halfclose:state'),
  upgrade: channel('halfclose:connection.upgrade'),
  close: channel('halfclose:connection.close'),
  warning: channel('halfclose:warning'),
}

/** Throws for an unknown event, whose listener would wait for ever. */
function assertEvent(event: string): void {
  const names = Object.keys(channels)
  if (names.includes(event)) return
  const meant = nearest(event, names)
  const hint = meant === undefined ? `the events are ${names.join(', ')}` : `did you mean '${meant}'?`
  throw new HalfcloseTypeError('HALFCLOSE_EVENT_UNKNOWN', `halfclose: there is no event ${quote(String(event))}; ${hint}`)
}

/** How many warnings of different text are logged for each code. */
const LOGGED_AT_MOST = 100

/** An error of a listener becomes an uncaught exception, as in any listener, but does not interrupt the code that emitted the event. */
export function isolated(run: () => void): void {
  try {
    run()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

/** Typed events, mirrored to diagnostics channels. A payload is built only where there is a listener. */
export class Events {
  readonly #emitter = new EventEmitter()
  readonly #logger: Logger | undefined
  readonly #quiet: boolean
  readonly #said = new Set<string>()
  /** The messages that were logged, by code. */
  readonly #warned = new Map<string, Set<string>>()
  #closeIsHeard = false

  /** `quiet`: lines of {@link routine} are logged once. */
  constructor(logger: Logger | undefined, quiet = false) {
    this.#logger = logger && inItsOrder(logger)
    this.#quiet = quiet
  }

  on<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): void {
    assertEvent(event)
    this.#emitter.on(event, listener)
    this.#countListeners()
  }

  once<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): void {
    assertEvent(event)
    this.#emitter.once(event, listener)
    this.#countListeners()
  }

  off<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): void {
    this.#emitter.off(event, listener)
    this.#countListeners()
  }

  #countListeners(): void {
    this.#closeIsHeard = this.#emitter.listenerCount('close') > 0
  }

  hears(event: keyof ConnectionsEvents): boolean {
    return channels[event].hasSubscribers || this.#emitter.listenerCount(event) > 0
  }

  /** Like {@link hears}, for the question that comes twice for every connection. */
  get hearsClose(): boolean {
    return this.#closeIsHeard || channels.close.hasSubscribers
  }

  state(payload: ConnectionsEvents['state'][0]): void {
    channels.state.publish(payload)
    isolated(() => this.#emitter.emit('state', payload))
  }

  upgrade(payload: ConnectionsEvents['upgrade'][0]): void {
    channels.upgrade.publish(payload)
    isolated(() => this.#emitter.emit('upgrade', payload))
  }

  close(payload: ConnectionsEvents['close'][0]): void {
    channels.close.publish(payload)
    isolated(() => this.#emitter.emit('close', payload))
    this.#countListeners()
  }

  /** Each warning is emitted every time, but logged only the first time. */
  warn(warning: WarningEvent): void {
    channels.warning.publish(warning)
    isolated(() => this.#emitter.emit('warning', warning))
    const logged = this.#warned.get(warning.code) ?? new Set()
    this.#warned.set(warning.code, logged)
    // Messages hold paths, which clients choose: the number of logged messages is bounded, that of events is not. The bound is per code, so that many
    // warnings of one code silence no other.
    if (logged.has(warning.message) || logged.size >= LOGGED_AT_MOST) return
    logged.add(warning.message)
    this.#log({ code: warning.code }, warning)
  }

  /** A drain that did not go well. It is logged every time. The promise resolves when the line is written, since the process may end next. */
  async drainCut(report: Report, message: string): Promise<void> {
    const warning: WarningEvent = { code: 'HALFCLOSE_DRAIN_CUT', message }
    channels.warning.publish(warning)
    isolated(() => this.#emitter.emit('warning', warning))
    this.#log({ code: warning.code, ...report }, warning)
    // `process.emitWarning` writes in the next tick.
    await new Promise<void>((resolve) => nextTick(resolve))
  }

  /** Runs what halfclose does on its own account: an error ends neither the process nor what else is to be done. */
  attempt(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.failed(error)
    }
  }

  /** Reports an error that should not have been thrown. */
  failed(error: unknown): void {
    this.warn({
      code: 'HALFCLOSE_UNEXPECTED_ERROR',
      message: `halfclose: an unexpected error; everything else goes on: ${textOf(error)}`,
    })
  }

  info(fields: object, message: string): void {
    isolated(() => this.#logger?.info(fields, message))
  }

  /** Like {@link info}, for lines that come with every server: tests make a server for each request. */
  routine(what: 'listening' | 'descriptors' | 'drained', fields: object, message: string): void {
    if (this.#quiet && this.#said.has(what)) return
    this.#said.add(what)
    this.info(fields, message)
  }

  /** Like {@link info}, but to standard output where there is no logger. */
  line(fields: object, message: string): void {
    if (this.#logger) this.info(fields, message)
    else process.stdout.write(`${message}\n`)
  }

  /** Like {@link info}, for what the operator has to see without a logger, too. */
  infoOrWarn(code: WarningCode, message: string): void {
    if (this.#logger) this.info({}, message)
    else this.#log({ code }, { code, message })
  }

  #log(fields: object, { code, message }: WarningEvent): void {
    if (this.#logger) isolated(() => this.#logger?.warn(fields, message))
    else process.emitWarning(message, { type: 'HalfcloseWarning', code })
  }
}
