import type { WarningCode } from '../errors/codes.js'

/** How a participant is asked to leave. */
export interface LeaveRequest {
  /** The signal's name, e.g. `'SIGTERM'`, or `'shutdown'` (PM2's message). */
  readonly reason: string
  /** A developer waits at a terminal. */
  readonly fast: boolean
}

/**
 * One application of the process. It may come from another copy of this package than the coordinator, of another version: so members may be added as
 * optional ones, but never changed or removed.
 */
export interface Participant {
  /** For the log, e.g. `'fastify'`. */
  readonly name: string
  /** The signals on which it leaves, and `'shutdown'`. Default: {@link USUAL_SIGNALS}. */
  readonly signals?: readonly string[] | undefined
  /**
   * Drains, then closes the application. Resolves to whether nothing was cut; a rejection is a failed close. It is called once, and has to settle by
   * itself: the coordinator sets no time limit.
   */
  leave(request: LeaveRequest): Promise<boolean>
  /** What is still open and by when it ends, in a few words: for the line that is written if the process ends meanwhile. */
  progress(): string
  /** Warns of what goes wrong while leaving. `code`: if it is not `HALFCLOSE_CLOSE_FAILED`. */
  warn(message: string, code?: WarningCode): void
  /** Reports something that is no fault: as information, or without a logger as a warning. */
  tell?(message: string, code: WarningCode): void
  /** Whether a request was cut since it was asked to leave. */
  hasCut?(): boolean
  /** Whether a connection is open. */
  isOpen?(): boolean
  /** Whether nothing is open any more, and only the application's own closing is waited for. */
  isDrained?(): boolean
  /** Whether a handle belongs to this application, and leaves with it. */
  governs?(handle: object): boolean
  /** Milliseconds left until its deadline. */
  remaining?(): number
  /** Called when it has left: the exit code that it wants for the process, if not 0 or 1. */
  exitCode?(): number
}

/** What `signals: true` stands for. */
export const USUAL_SIGNALS: readonly string[] = ['SIGTERM', 'SIGINT', 'shutdown']
