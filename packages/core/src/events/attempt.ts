import { Socket } from 'node:net'
import type { CloseReason, WarningEvent } from './types.js'

/** Where faults and warnings are told. */
export interface Telling {
  /** Somebody listens for closes. */
  readonly hearsClose: boolean
  warn(warning: WarningEvent): void
  /** Something threw that was not to. */
  failed(error: unknown): void
  /** Does something at a time of ours: what it throws ends neither the process nor what else is to be done. */
  attempt(run: () => void): void
}

/** What may be ended: a connection or a session. */
interface Ending {
  readonly socket: Socket
  readonly owner: { readonly events: Telling }
  ending: CloseReason | undefined
  closedFirst: 'server' | 'peer' | undefined
  released: boolean
}

/**
 * Does something to one connection of many, at a time of ours: what it throws (a method that the application has put on the socket, or a fault
 * of ours) is told as a warning, and breaks off neither what is to be done for the others nor the process. That connection is destroyed.
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
