import { performance } from 'node:perf_hooks'
import type { WarningCode } from '../errors/codes.js'
import { textOf } from '../events/logger.js'
import { setImmediate, setTimeout } from '../node/real-timers.js'
import { endedLine } from './exit-caller.js'
import { codeAfterDrain, codeOfSecondSignal } from './exit-code.js'
import type { Coordinator, Listener, SignalHost } from './signal-host.js'
import { atTerminal, forgivenMessage, OTHERS_AT_MOST, othersMessage } from './signal-lines.js'
import { type LeaveRequest, type Participant, USUAL_SIGNALS } from './signal-participant.js'

interface Leaving {
  readonly request: LeaveRequest
  readonly since: number
  /** The participants that were asked to leave, and those that have not left yet. */
  readonly asked: Set<Participant>
  readonly pending: Set<Participant>
  /** How many other listeners the signal had when it came. */
  readonly others: number
  /** The same signal again is the first one, sent twice (see SENT_ONCE). */
  isSentOnce: boolean
  /** How often the signal came again and counted as one that another listener sent. */
  forgiven: number
  clean: boolean
  /** The worst exit code that a participant has returned. */
  worst: number
  finished: boolean
  /** The other listeners have had their time. */
  hadGrace: boolean
  /** The process had nothing left to run, and would have ended by itself. */
  ranDry: boolean
  /** The second signal, for the line that says what ended the process. */
  forcedBy: string | undefined
}

/**
 * npm and other wrappers forward signals that their child has received itself: from the terminal (Ctrl-C), or from systemd, which signals every process of a
 * service. The same signal twice within this time counts once.
 */
const SENT_ONCE = 250

/** Makes all participants leave at the first signal, and ends the process when they have left. */
export class SignalCoordinator implements Coordinator {
  readonly version = 2
  readonly #host: SignalHost
  readonly #participants = new Set<Participant>()
  /** The listeners, by the name of the signal or message. */
  readonly #listeners = new Map<string, Listener>()
  readonly #findOtherHandles: (participants: Iterable<Participant>) => readonly Participant[]
  readonly #attend: ((coordinator: Coordinator) => () => void) | undefined
  #stopAttending: (() => void) | undefined
  #leaving: Leaving | undefined

  /**
   * `attend`: called when the first participant joins; it returns a function for when the last has left. `findOtherHandles`: finds other handles with requests in this
   * process.
   */
  constructor(
    host: SignalHost,
    attend?: (coordinator: Coordinator) => () => void,
    findOtherHandles: (participants: Iterable<Participant>) => readonly Participant[] = () => [],
  ) {
    this.#host = host
    this.#attend = attend
    this.#findOtherHandles = findOtherHandles
  }

  join(participant: Participant): () => void {
    if (this.#leaving === undefined) for (const reason of participant.signals ?? USUAL_SIGNALS) this.#listen(reason)
    this.#participants.add(participant)
    this.#stopAttending ??= this.#attend?.(this)
    // It is too late to serve: an application that starts to listen now has to leave like the others.
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
    // Listeners that are called once are gone when they have run: ours runs first, and sees how many there are.
    if (isMessage) this.#host.on('message', listener)
    else this.#host.prependListener(reason, listener)
  }

  /** Stops listening to signals that none of the remaining participants has named. */
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
      // Listeners of 'message' may wait for any other message, so they do not count.
      others: reason === 'shutdown' ? 0 : this.#host.listenerCount(reason) - 1,
      isSentOnce: true,
      forgiven: 0,
      clean: true,
      worst: 0,
      finished: false,
      hadGrace: false,
      ranDry: false,
      forcedBy: undefined,
    }
    this.#leaving = leaving
    // A signal that came while the event loop was blocked is read after the timers, and before immediates.
    setTimeout(() => setImmediate(() => (leaving.isSentOnce = false)), SENT_ONCE).unref()
    this.#host.on('exit', this.#onExit)
    this.#host.on('beforeExit', this.#onDry)
    if (leaving.others > 0) this.#tell(othersMessage(reason, leaving.others), 'HALFCLOSE_OTHER_LISTENERS')
    for (const participant of this.#participants) this.#dismiss(participant, leaving)
    // Other listeners of the signal may close their servers themselves.
    if (leaving.others === 0) this.#dismissOtherHandles(leaving)
  }

  /** Makes handles leave that belong to no participant: the process ends with the last participant, and would cut their requests. Each once: a server may listen again whenever it has closed. Returns whether there were any. */
  #dismissOtherHandles(leaving: Leaving): boolean {
    const handles = this.#findOtherHandles(leaving.asked).filter((handle) => handle.isDrained?.() !== true)
    for (const handle of handles) this.#dismiss(handle, leaving)
    return handles.length > 0
  }

  /** A second signal ends the process at once, unless it is the first one, sent twice (see SENT_ONCE), or another listener of the first one sent it. */
  #toldAgain(reason: string, leaving: Leaving): void {
    const elapsed = performance.now() - leaving.since
    const isRepeat = reason !== 'shutdown' && reason === leaving.request.reason
    if (isRepeat && leaving.isSentOnce) return
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
    this.#host.exit(codeOfSecondSignal(reason, isOnlyClosing(leaving)))
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
      participant.warn(`halfclose: ${participant.name} did not close: ${textOf(error)}`)
    }
    leaving.pending.delete(participant)
    // One more turn, for an application that joins just now, and for what the last one has written.
    setImmediate(() => this.#finish(leaving))
  }

  #finish(leaving: Leaving): void {
    if (leaving.pending.size > 0 || leaving.finished) return
    leaving.finished = true
    const grace = leaving.others > 0 && !leaving.hadGrace ? Math.min(OTHERS_AT_MOST, ...this.#remaining()) : 0
    if (!(grace > 0)) {
      this.#end(leaving)
      return
    }
    // The other listeners have something to finish: when they have, the event loop is empty. A listener of messages would keep it from that.
    const message = this.#listeners.get('shutdown')
    if (message !== undefined) this.#host.off('message', message)
    setTimeout(() => this.#end(leaving), grace).unref()
  }

  #remaining(): number[] {
    return [...this.#participants].map((participant) => participant.remaining?.() ?? OTHERS_AT_MOST)
  }

  #end(leaving: Leaving): void {
    leaving.hadGrace = true
    if (this.#dismissOtherHandles(leaving) || leaving.pending.size > 0) {
      leaving.finished = false
      return
    }
    this.#host.off('exit', this.#onExit)
    this.#host.off('beforeExit', this.#onDry)
    const code = codeAfterDrain(leaving)
    // An argument, even undefined, would overwrite process.exitCode.
    if (code === undefined) this.#host.exit()
    else this.#host.exit(code)
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

  /** Other code ends the process while it leaves: the operator gets a line that says so, and an exit code that shows it. */
  readonly #onExit = (code: unknown) => {
    const leaving = this.#leaving
    if (leaving === undefined) return
    const { request, since, pending, forcedBy, ranDry } = leaving
    const isLost = !leaving.clean || [...pending].some((participant) => participant.hasCut?.() === true) || ranDry
    if (isLost && (code === 0 || code === undefined)) this.#host.exitCode = 1
    if (pending.size === 0) return
    const open = [...pending].map((participant) => `${participant.name}: ${participant.progress()}`).join('; ')
    const elapsed = Math.round(performance.now() - since)
    // Not by a logger: an asynchronous one would lose the line.
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

/** Whether all requests are answered, and only the applications' own closing is waited for. */
function isOnlyClosing({ pending }: Leaving): boolean {
  return [...pending].every((participant) => participant.isDrained?.() === true)
}

function eventOf(reason: string): string {
  return reason === 'shutdown' ? 'message' : reason
}
