import type { ServerResponse } from 'node:http'
import type { WarningCode } from '../errors/codes.js'
import { textOf } from '../events/logger.js'
import type { AdapterConnections } from '../handle/adapter-connections.js'
import { clearTimeout, LONGEST_DELAY, setTimeout } from '../node/real-timers.js'
import { joinSignals } from '../process/join-signals.js'
import type { LeaveRequest, Participant } from '../process/signal-participant.js'
import type { Connections, Report } from '../types.js'
import type { Application } from './application.js'
import type { AdapterChoices } from './options.js'

/** After which time a line says that the process waits for the application's own closing, and how often again, in ms. */
const SAY_AFTER = 5_000
const SAY_EVERY = 10_000

/** What a shutdown needs to know of the application's servers. */
export interface ShutdownContext {
  readonly application: Application
  readonly choices: AdapterChoices
  readonly connections: AdapterConnections
  /** The application was told to leave: takes in the last servers that may be its own. */
  attachUngoverned(reason: string): void
  warn(code: WarningCode, message: string): void
  tell(code: WarningCode, message: string): void
}

/** How an application leaves on a signal, and what it does after a drain. */
export class Shutdown {
  readonly #context: ShutdownContext
  /** Handles of the core that govern servers of the application. */
  readonly #elsewhere = new Set<Connections>()
  /** Responses on connections that no policy governs, and that their servers cannot list. */
  readonly #unanswered = new Set<ServerResponse>()
  #leaveSignals: (() => void) | undefined
  #reports: Promise<readonly Report[]> | undefined
  #isDrained = false
  #cutBefore = 0
  #afterwards: Promise<boolean> | undefined

  constructor(context: ShutdownContext) {
    this.#context = context
  }

  /** The application serves: from now on it leaves on a signal. */
  join(): void {
    if (this.#context.choices.signals.length > 0) this.#leaveSignals ??= joinSignals(this.#participant())
  }

  /** No server serves any more: signals are left to other code until a server listens again. */
  standDown(): void {
    this.#leaveSignals?.()
    this.#leaveSignals = undefined
  }

  /** Another handle governs a server of the application, and leaves with it. Returns whether that is new. */
  governedBy(handle: Connections): boolean {
    if (this.#elsewhere.has(handle)) return false
    this.#elsewhere.add(handle)
    return true
  }

  /** Waits for a response on a connection that no policy governs. */
  waitFor(res: ServerResponse): void {
    this.#unanswered.add(res)
    res.once('close', () => this.#unanswered.delete(res))
  }

  /** The application listens again: a new life. */
  startAnew(): void {
    this.#afterwards = undefined
  }

  /** Runs once per drain. Resolves to whether the drain went well. */
  drained(report: Promise<Report>): Promise<boolean> {
    const { application, warn } = this.#context
    this.#afterwards ??= Promise.all([report, this.#reports])
      .then(([settled]) => application.drained?.(settled))
      .then(
        () => true,
        (error: unknown) => {
          warn('HALFCLOSE_CLOSE_FAILED', `halfclose: onDrained failed: ${textOf(error)}`)
          return false
        },
      )
    return this.#afterwards
  }

  #participant(): Participant {
    const { application, choices, warn, tell } = this.#context
    return {
      name: application.name,
      signals: choices.signals,
      leave: (request) => this.#leave(request),
      progress: () => this.#progress(),
      warn: (message, code = 'HALFCLOSE_CLOSE_FAILED') => warn(code, message),
      tell: (message, code) => tell(code, message),
      hasCut: () => this.#cut() > this.#cutBefore,
      isOpen: () => this.#unanswered.size > 0 || this.#open().length > 0,
      isDrained: () => this.#isDrained,
      governs: (handle) => this.#handles().some((own) => own === handle),
      remaining: () => Math.max(...this.#handles().map((handle) => handle.remaining())),
    }
  }

  async #leave({ reason, fast }: LeaveRequest): Promise<boolean> {
    const { application, choices, connections } = this.#context
    const isFast = fast && choices.fastAtTerminal
    if (isFast)
      choices.core.logger?.info({}, `halfclose: ${reason} from a terminal: drains fast; the option \`drain\` overrules that`)
    this.#context.attachUngoverned(reason)
    this.#cutBefore = this.#cut()
    this.#reports = Promise.all([...this.#elsewhere].map((handle) => handle.drain({ reason, fast: isFast })))
    const report = connections.drain({ reason, fast: isFast })
    const over = Promise.all([report, this.#reports, this.#answered()])
    const stopSaying = this.#sayWhatItWaitsFor(over)
    try {
      await application.close?.()
      const closed = await this.drained(report)
      const [own, others, answered] = await over
      return closed && answered && own.clean && others.every(({ clean }) => clean)
    } catch (error) {
      // The application's close failed: connections still have until the deadline.
      await over
      throw error
    } finally {
      stopSaying()
    }
  }

  /** Waits for responses that no policy governs, until the deadline. Returns whether they were sent. */
  async #answered(): Promise<boolean> {
    if (this.#unanswered.size === 0) return true
    let timer: NodeJS.Timeout | undefined
    const closed = [...this.#unanswered].map((res) => new Promise((resolve) => res.once('close', resolve)))
    const deadline = new Promise((resolve) => {
      timer = setTimeout(resolve, Math.min(this.#context.connections.remaining(), LONGEST_DELAY))
    })
    await Promise.race([Promise.all(closed), deadline])
    clearTimeout(timer)
    return this.#unanswered.size === 0
  }

  /** Logs what the process waits for, if the application's own closing takes long after the drain. Returns a function that stops it. */
  #sayWhatItWaitsFor(over: Promise<unknown>): () => void {
    let timer: NodeJS.Timeout | undefined
    let stopped = false
    let since = 0
    const say = (): void => {
      since += since === 0 ? SAY_AFTER : SAY_EVERY
      const { application, warn } = this.#context
      const message =
        `halfclose: the drain is over, and the process waits for ${application.closing}: for ${since / 1_000} s now. ` +
        'It exits when that has settled; what it waits for itself had better have a time limit'
      warn('HALFCLOSE_CLOSE_PENDING', message)
      // If nothing else is left to run, the process ends after the first line.
      timer = setTimeout(say, SAY_EVERY).unref()
    }
    void over.then(() => {
      this.#isDrained = true
      if (!stopped) timer = setTimeout(say, SAY_AFTER)
    })
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }

  #handles(): Connections[] {
    return [this.#context.connections, ...this.#elsewhere]
  }

  #cut(): number {
    return this.#handles().reduce((sum, handle) => sum + handle.stats().requests.cut, 0)
  }

  /** How many connections are open, by state. */
  #open(): [state: string, count: number][] {
    const open: Record<string, number> = {}
    for (const handle of this.#handles())
      for (const [state, count] of Object.entries(handle.stats().open)) open[state] = (open[state] ?? 0) + count
    return Object.entries(open).filter(([, count]) => count > 0)
  }

  #progress(): string {
    if (this.#isDrained) return `nothing open, waiting for ${this.#context.application.closing}`
    const what =
      this.#open()
        .map(([state, count]) => `${count} ${state}`)
        .join(', ') || 'nothing'
    const remaining = Math.max(...this.#handles().map((handle) => handle.remaining()))
    return `${what} open, ${Math.round(remaining)} ms before its deadline`
  }
}
