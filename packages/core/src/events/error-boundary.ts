import { Socket } from 'node:net'
import type { CloseReason, WarningEvent } from './types.js'

/** Reports faults and warnings to the application. */
export interface Reporter {
  /** Whether there is a listener for closes. */
  readonly hearsClose: boolean
  warn(warning: WarningEvent): void
  /** Reports an error that should not have been thrown. */
  failed(error: unknown): void
  /**
   * Runs what halfclose does on its own account, not within a call of the application. An error ends neither the process nor what else is to be done.
   */
  attempt(run: () => void): void
}

/** A connection or a session. */
interface Ending {
  readonly socket: Socket
  readonly owner: { readonly events: Reporter }
  ending: CloseReason | undefined
  closedFirst: 'server' | 'peer' | undefined
  released: boolean
}

/**
 * Does something to one connection of many, in a timer or a loop of halfclose. An error (of a method that the application has put on the socket, or a
 * fault of halfclose) is reported as a warning. It ends neither the process nor the work on the other connections; that one connection is destroyed.
 */
export function attempt<C extends Ending>(one: C, act: (one: C) => void): void {
  try {
    act(one)
  } catch (error) {
    const { events } = one.owner
    events.failed(error)
    one.ending ??= 'handler'
    one.closedFirst ??= 'server'
    one.released = true
    events.attempt(() => void Socket.prototype.destroy.call(one.socket))
  }
}
