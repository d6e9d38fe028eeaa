import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { CloseReason, ConnectionsEvents, Logger, PromiseBreaker, WarningEvent } from './types.js'

/** What is counted over the life of a handle. */
export class Counts {
  opened = 0
  closed = 0
  received = 0
  finished = 0
  cut = 0
  dropped = 0
  /** Closed connections that carried a request, and the requests they carried. */
  used = 0
  carried = 0
  readonly closes: Partial<Record<CloseReason, number>> = {}
  readonly closedFirst = { server: 0, peer: 0 }
  readonly promisesBroken: Partial<Record<PromiseBreaker, number>> = {}
}

/** One more of `key`. */
export function count<K extends string>(counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1
}

// Where an APM listens: the same payloads as the handle's events, for every handle in the process.
const channels = {
  state: channel('halfclose:state'),
  close: channel('halfclose:connection.close'),
  warning: channel('halfclose:warning'),
}

/** Typed events, mirrored to diagnostics channels. A payload is built only where somebody listens. */
export class Events {
  readonly #emitter = new EventEmitter()
  readonly #logger: Logger | undefined
  readonly #warned = new Set<string>()

  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  on<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): void {
    this.#emitter.on(event, listener)
  }

  once<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): void {
    this.#emitter.once(event, listener)
  }

  off<E extends keyof ConnectionsEvents>(event: E, listener: (...args: ConnectionsEvents[E]) => void): void {
    this.#emitter.off(event, listener)
  }

  hears(event: keyof ConnectionsEvents): boolean {
    return channels[event].hasSubscribers || this.#emitter.listenerCount(event) > 0
  }

  state(payload: ConnectionsEvents['state'][0]): void {
    channels.state.publish(payload)
    this.#emitter.emit('state', payload)
  }

  close(payload: ConnectionsEvents['close'][0]): void {
    channels.close.publish(payload)
    this.#emitter.emit('close', payload)
  }

  /** Each warning is an event every time, but is logged only the first time. */
  warn(warning: WarningEvent): void {
    channels.warning.publish(warning)
    this.#emitter.emit('warning', warning)
    if (this.#warned.has(warning.message)) return
    if (this.#warned.size < 1_000) this.#warned.add(warning.message)
    if (this.#logger) this.#logger.warn({ code: warning.code }, warning.message)
    else process.emitWarning(warning.message, { type: 'HalfcloseWarning', code: warning.code })
  }

  info(fields: object, message: string): void {
    this.#logger?.info(fields, message)
  }
}
