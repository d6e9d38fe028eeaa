import { constants } from 'node:os'
import { performance } from 'node:perf_hooks'
import { isatty } from 'node:tty'
import { timerOf } from './kill-timers.js'

/** How a participant is asked to leave. */
export interface LeaveRequest {
  /** `'SIGTERM'`, `'SIGINT'` or `'shutdown'` (PM2's message). */
  readonly reason: string
  /** Somebody waits at a terminal. */
  readonly fast: boolean
}

/**
 * One application of the process. Whatever copy of this package made it: the coordinator may come from another copy, of another
 * version, so members may be added here as optional ones, but never changed or taken away.
 */
export interface Participant {
  /** For the log, e.g. `'fastify'`. */
  readonly name: string
  /**
   * Drains, then closes the application. Resolves with whether nothing was cut; a rejection is a failed close. Called once, and
   * has to settle by itself: the coordinator sets no time limit of its own.
   */
  leave(request: LeaveRequest): Promise<boolean>
  /** What is still open and by when it ends, in a few words: for the line written when the process is ended meanwhile. */
  progress(): string
  /** For what goes wrong while leaving. */
  warn(message: string): void
}

/** What the process shares, under `Symbol.for('halfclose.signals')`. `version` grows with what is added. */
export interface Coordinator {
  readonly version: number
  join(participant: Participant): () => void
}

/** What a coordinator needs of the process; tests bring their own. */
export interface SignalHost {
  on(event: string, listener: (...args: unknown[]) => void): unknown
  off(event: string, listener: (...args: unknown[]) => void): unknown
  exit(code?: number): unknown
}

interface Leaving {
  readonly request: LeaveRequest
  readonly since: number
  /** Who has not left yet. */
  readonly pending: Set<Participant>
  clean: boolean
  finished: boolean
  /** The second signal, for the line that says who ended the process. */
  forcedBy: string | undefined
}

const KEY = Symbol.for('halfclose.signals')

/**
 * npm, and other wrappers, forward a signal that their child has got itself: from the terminal (Ctrl-C), or from systemd, which tells
 * every process of a service. The same signal twice within this time was sent once.
 */
const SENT_ONCE = 250

/**
 * Adds an application to those that leave when the process is told to: SIGTERM, SIGINT, or PM2's message `'shutdown'`. All that
 * have joined leave at once; the process exits when the last of them has closed, with code 0 where nothing was cut (or
 * `process.exitCode`, where that is set), else 1. A second signal, unless it is the same one again within 250 ms, ends it at once with
 * 128 + the signal's number (1 for `'shutdown'`). Errors and other signals are left alone. Windows has no SIGTERM.
 *
 * Returns how to leave the list again; with the last one the listeners go. That does not call off a leave that has begun.
 */
export function joinSignals(participant: Participant, host: SignalHost & object = process): () => void {
  const there: unknown = Reflect.get(host, KEY)
  if (isCoordinator(there)) return there.join(participant)
  const coordinator = new SignalCoordinator(host)
  Object.defineProperty(host, KEY, { value: coordinator, configurable: true })
  return coordinator.join(participant)
}

class SignalCoordinator implements Coordinator {
  readonly version = 1
  readonly #host: SignalHost
  readonly #participants = new Set<Participant>()
  #leaving: Leaving | undefined

  constructor(host: SignalHost) {
    this.#host = host
  }

  join(participant: Participant): () => void {
    if (this.#participants.size === 0 && this.#leaving === undefined) this.#listen()
    this.#participants.add(participant)
    // Too late to serve: whoever starts to listen now has to leave like the others.
    if (this.#leaving) this.#dismiss(participant, this.#leaving)
    return () => {
      if (!this.#participants.delete(participant)) return
      if (this.#participants.size === 0 && this.#leaving === undefined) this.#unlisten()
    }
  }

  readonly #onSigterm = () => this.#told('SIGTERM')
  readonly #onSigint = () => this.#told('SIGINT')
  readonly #onMessage = (message: unknown) => {
    if (message === 'shutdown') this.#told('shutdown')
  }

  #listen(): void {
    this.#host.on('SIGTERM', this.#onSigterm)
    this.#host.on('SIGINT', this.#onSigint)
    this.#host.on('message', this.#onMessage)
  }

  #unlisten(): void {
    this.#host.off('SIGTERM', this.#onSigterm)
    this.#host.off('SIGINT', this.#onSigint)
    this.#host.off('message', this.#onMessage)
  }

  #told(reason: 'SIGTERM' | 'SIGINT' | 'shutdown'): void {
    if (this.#leaving) {
      const { request, since } = this.#leaving
      if (reason !== 'shutdown' && reason === request.reason && performance.now() - since < SENT_ONCE) return
      this.#leaving.forcedBy = reason
      this.#host.exit(reason === 'shutdown' ? 1 : 128 + constants.signals[reason])
      return
    }
    const leaving: Leaving = {
      request: { reason, fast: reason === 'SIGINT' && atTerminal() },
      since: performance.now(),
      pending: new Set(),
      clean: true,
      finished: false,
      forcedBy: undefined,
    }
    this.#leaving = leaving
    this.#host.on('exit', this.#onExit)
    for (const participant of this.#participants) this.#dismiss(participant, leaving)
  }

  async #dismiss(participant: Participant, leaving: Leaving): Promise<void> {
    leaving.pending.add(participant)
    try {
      if (!(await participant.leave(leaving.request))) leaving.clean = false
    } catch (error) {
      leaving.clean = false
      participant.warn(
        `halfclose: ${participant.name} did not close: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    }
    leaving.pending.delete(participant)
    // One more turn, for who joins just now and for what the last one has written.
    setImmediate(() => this.#finish(leaving))
  }

  #finish(leaving: Leaving): void {
    if (leaving.pending.size > 0 || leaving.finished) return
    leaving.finished = true
    this.#host.off('exit', this.#onExit)
    if (leaving.clean) this.#host.exit()
    else this.#host.exit(1)
  }

  /** Somebody ends the process while it leaves, with requests still in flight: who looks for them later has to find a trace. */
  readonly #onExit = () => {
    if (this.#leaving === undefined) return
    const { request, since, pending, forcedBy } = this.#leaving
    const open = [...pending].map((participant) => `${participant.name}: ${participant.progress()}`).join('; ')
    const elapsed = Math.round(performance.now() - since)
    const by = forcedBy === undefined ? `somebody else (${timerOf(elapsed)})` : `a second signal (${forcedBy})`
    // Not through a logger: an asynchronous one would lose the line.
    console.error(`halfclose: ended by ${by} while it drained, ${elapsed} ms after ${request.reason}. ${open}`)
  }
}

function atTerminal(): boolean {
  // Not process.stdin.isTTY: that opens the stream.
  return isatty(0) || isatty(1)
}

function isCoordinator(value: unknown): value is Coordinator {
  return typeof value === 'object' && value !== null && 'join' in value && typeof value.join === 'function'
}
