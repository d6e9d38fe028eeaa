import { constants } from 'node:os'
import { performance } from 'node:perf_hooks'
import { isatty } from 'node:tty'
import type { WarningCode } from './codes.js'
import { endedLine } from './ended-by.js'
import { type LeaveRequest, type Participant, USUAL_SIGNALS } from './participant.js'

/** What the process shares, under `Symbol.for('halfclose.signals')`. `version` grows with what is added. */
export interface Coordinator {
  readonly version: number
  join(participant: Participant): () => void
}

type Listener = (...args: unknown[]) => void

/** What a coordinator needs of the process; tests, and worker threads, bring their own. */
export interface SignalHost {
  on(event: string, listener: Listener): unknown
  prependListener(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
  listenerCount(event: string): number
  exit(code?: number): unknown
  exitCode?: number | string | null | undefined
}

interface Leaving {
  readonly request: LeaveRequest
  readonly since: number
  /** Who was asked to leave, and who of them has not left yet. */
  readonly asked: Set<Participant>
  readonly pending: Set<Participant>
  /** How many others listened to the signal when it came. */
  readonly others: number
  /** How often it came again, and was taken for one of theirs. */
  forgiven: number
  clean: boolean
  /** The worst exit code that a participant has named. */
  worst: number
  finished: boolean
  /** The process would have ended by itself: nothing was left to run. */
  ranDry: boolean
  /** The second signal, for the line that says who ended the process. */
  forcedBy: string | undefined
}

/**
 * npm, and other wrappers, forward a signal that their child has got itself: from the terminal (Ctrl-C), or from systemd, which tells
 * every process of a service. The same signal twice within this time was sent once.
 */
const SENT_ONCE = 250

/** How long the work of other listeners may take once everything has left, in ms. */
const OTHERS_AT_MOST = 5_000

/** Lets all participants leave at the first signal, and ends the process when they have left. */
export class SignalCoordinator implements Coordinator {
  readonly version = 2
  readonly #host: SignalHost
  readonly #participants = new Set<Participant>()
  /** By what is listened to. */
  readonly #listeners = new Map<string, Listener>()
  readonly #attend: ((coordinator: Coordinator) => () => void) | undefined
  #stopAttending: (() => void) | undefined
  #leaving: Leaving | undefined

  /** `attend`: what to do while there are participants; returns how to stop that. */
  constructor(host: SignalHost, attend?: (coordinator: Coordinator) => () => void) {
    this.#host = host
    this.#attend = attend
  }

  join(participant: Participant): () => void {
    if (this.#leaving === undefined) for (const reason of participant.signals ?? USUAL_SIGNALS) this.#listen(reason)
    this.#participants.add(participant)
    this.#stopAttending ??= this.#attend?.(this)
    // Too late to serve: an application that starts to listen now has to leave like the others.
    if (this.#leaving) this.#dismiss(participant, this.#leaving)
    return () => {
      if (this.#participants.delete(participant) && this.#leaving === undefined) this.#unlisten()
    }
  }

  #listen(reason: string): void {
    if (this.#listeners.has(reason)) return
    const isMessage = reason === 'shutdown'
    const listener: Listener = isMessage
      ? (message) => {
          if (message === 'shutdown') this.#told(reason)
        }
      : () => this.#told(reason)
    this.#listeners.set(reason, listener)
    // A signal's listeners that are called once are gone when they have run: ours is first, and sees how many there are.
    if (isMessage) this.#host.on('message', listener)
    else this.#host.prependListener(reason, listener)
  }

  /** To what nobody of those that are left has named. */
  #unlisten(): void {
    const wanted = new Set([...this.#participants].flatMap(({ signals }) => signals ?? USUAL_SIGNALS))
    for (const [reason, listener] of this.#listeners) {
      if (wanted.has(reason)) continue
      this.#listeners.delete(reason)
      this.#host.off(eventOf(reason), listener)
    }
    if (this.#participants.size > 0) return
    this.#stopAttending?.()
    this.#stopAttending = undefined
  }

  #told(reason: string): void {
    if (this.#leaving === undefined) this.#begin(reason)
    else this.#toldAgain(reason, this.#leaving)
  }

  #begin(reason: string): void {
    const leaving: Leaving = {
      request: { reason, fast: reason === 'SIGINT' && atTerminal() },
      since: performance.now(),
      asked: new Set(),
      pending: new Set(),
      // Those of messages may have come for any other message.
      others: reason === 'shutdown' ? 0 : this.#host.listenerCount(reason) - 1,
      forgiven: 0,
      clean: true,
      worst: 0,
      finished: false,
      ranDry: false,
      forcedBy: undefined,
    }
    this.#leaving = leaving
    this.#host.on('exit', this.#onExit)
    this.#host.on('beforeExit', this.#onDry)
    if (leaving.others > 0) this.#tell(othersMessage(reason, leaving.others), 'HALFCLOSE_OTHER_LISTENERS')
    for (const participant of this.#participants) this.#dismiss(participant, leaving)
  }

  /** A second signal ends the process at once, unless it is one that was sent once, or comes from another listener of the first. */
  #toldAgain(reason: string, leaving: Leaving): void {
    const elapsed = performance.now() - leaving.since
    const isRepeat = reason !== 'shutdown' && reason === leaving.request.reason
    if (isRepeat && elapsed < SENT_ONCE) return
    if (isRepeat && leaving.forgiven < leaving.others) {
      leaving.forgiven++
      const left = leaving.others - leaving.forgiven
      if (leaving.pending.size > 0) this.#tell(forgivenMessage(reason, elapsed, left), 'HALFCLOSE_SIGNAL_REPEATED')
      return
    }
    if (leaving.pending.size === 0) {
      this.#end(leaving)
      return
    }
    leaving.forcedBy = reason
    this.#host.exit(isOnlyClosing(leaving) ? 1 : codeOf(reason))
  }

  async #dismiss(participant: Participant, leaving: Leaving): Promise<void> {
    if (leaving.asked.has(participant)) return
    leaving.asked.add(participant)
    leaving.pending.add(participant)
    try {
      if (!(await participant.leave(leaving.request))) leaving.clean = false
      leaving.worst = Math.max(leaving.worst, participant.exitCode?.() ?? 0)
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
    const grace = leaving.others > 0 ? Math.min(OTHERS_AT_MOST, ...this.#remaining()) : 0
    if (!(grace > 0)) {
      this.#end(leaving)
      return
    }
    // The others have something to finish: the event loop is empty when they have. A listener of messages would keep it from that.
    const message = this.#listeners.get('shutdown')
    if (message !== undefined) this.#host.off('message', message)
    setTimeout(() => this.#end(leaving), grace).unref()
  }

  #remaining(): number[] {
    return [...this.#participants].map((participant) => participant.remaining?.() ?? OTHERS_AT_MOST)
  }

  #end(leaving: Leaving): void {
    this.#host.off('exit', this.#onExit)
    this.#host.off('beforeExit', this.#onDry)
    if (leaving.worst > 0) this.#host.exit(leaving.worst)
    else if (leaving.clean) this.#host.exit()
    else this.#host.exit(1)
  }

  readonly #onDry = () => {
    const leaving = this.#leaving
    if (leaving === undefined) return
    if (leaving.finished) {
      this.#end(leaving)
      return
    }
    leaving.ranDry = true
    // Another listener of 'beforeExit' may have given the process something to do.
    setImmediate(() => {
      leaving.ranDry = false
    }).unref()
  }

  /** Somebody else ends the process while it leaves: who looks for its requests later has to find a trace, and an exit code that is true. */
  readonly #onExit = (code: unknown) => {
    const leaving = this.#leaving
    if (leaving === undefined) return
    const { request, since, pending, forcedBy, ranDry } = leaving
    const isLost = !leaving.clean || [...pending].some((participant) => participant.hasCut?.() === true) || ranDry
    if (isLost && (code === 0 || code === undefined)) this.#host.exitCode = 1
    if (pending.size === 0) return
    const open = [...pending].map((participant) => `${participant.name}: ${participant.progress()}`).join('; ')
    const elapsed = Math.round(performance.now() - since)
    // Not through a logger: an asynchronous one would lose the line.
    const isOpen = [...pending].some((participant) => participant.isOpen?.() ?? true)
    console.error(
      endedLine({ reason: request.reason, elapsed, open, forcedBy, ranDry, isOpen, isDraining: !isOnlyClosing(leaving) }),
    )
  }

  #tell(message: string, code: WarningCode): void {
    for (const participant of this.#participants) {
      if (participant.tell === undefined) continue
      participant.tell(message, code)
      return
    }
  }
}

/** All requests were answered: what is waited for is what the applications close themselves. */
function isOnlyClosing({ pending }: Leaving): boolean {
  return [...pending].every((participant) => participant.isDrained?.() === true)
}

function othersMessage(reason: string, others: number): string {
  return (
    `halfclose: ${others} other listener${others === 1 ? '' : 's'} of ${reason} in this process. While requests are open none of them should ` +
    `close what these need, nor call process.exit(): put that work into \`onDrained\` (Express) or an \`onClose\` hook (Fastify). ` +
    `What they still do after the drain gets until the event loop is empty, ${OTHERS_AT_MOST / 1_000} s at most`
  )
}

function forgivenMessage(reason: string, elapsed: number, left: number): string {
  const next = left > 0 ? `${left} more will be` : 'the next one ends the process'
  return (
    `halfclose: ${reason} again, ${Math.round(elapsed)} ms after the first: taken for that of another listener, since Apollo, terminus and ` +
    `NestJS send it again when they have stopped; ${next}`
  )
}

function codeOf(reason: string): number {
  for (const [name, number] of Object.entries(constants.signals)) if (name === reason) return 128 + number
  return 1
}

function eventOf(reason: string): string {
  return reason === 'shutdown' ? 'message' : reason
}

function atTerminal(): boolean {
  // Not process.stdin.isTTY: that opens the stream.
  return isatty(0) || isatty(1)
}

export function isCoordinator(value: unknown): value is Coordinator {
  return typeof value === 'object' && value !== null && 'join' in value && typeof value.join === 'function'
}
