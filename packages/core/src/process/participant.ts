import type { WarningCode } from '../errors/codes.js'

/** How a participant is asked to leave. */
export interface LeaveRequest {
  /** The signal's name, e.g. `'SIGTERM'`, or `'shutdown'` (PM2's message). */
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
  /** What it leaves on, of the names of signals and `'shutdown'`. Default: {@link USUAL_SIGNALS}. */
  readonly signals?: readonly string[] | undefined
  /**
   * Drains, then closes the application. Resolves with whether nothing was cut; a rejection is a failed close. Called once, and
   * has to settle by itself: the coordinator sets no time limit of its own.
   */
  leave(request: LeaveRequest): Promise<boolean>
  /** What is still open and by when it ends, in a few words: for the line written when the process is ended meanwhile. */
  progress(): string
  /** For what goes wrong while leaving. `code`: where it is another one than `HALFCLOSE_CLOSE_FAILED`. */
  warn(message: string, code?: WarningCode): void
  /** For what has to be known, but is nobody's fault: information, or where there is no logger a warning. */
  tell?(message: string, code: WarningCode): void
  /** Whether a request was cut since it was asked to leave. */
  hasCut?(): boolean
  /** Whether a connection is open. */
  isOpen?(): boolean
  /** Nothing is open any more: it waits for the application's own closing. */
  isDrained?(): boolean
  /** Whether it is a handle of its own, which leaves with it. */
  governs?(handle: object): boolean
  /** Milliseconds left until its deadline. */
  remaining?(): number
  /** Once it has left: the exit code that it would give the process by itself, where that is another one than 0 or 1. */
  exitCode?(): number
}

/** What `signals: true` stands for. */
export const USUAL_SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'shutdown']
