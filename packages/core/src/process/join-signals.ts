import { isMainThread } from 'node:worker_threads'
import { findOtherHandles } from './other-handles.js'
import { SignalCoordinator } from './signal-coordinator.js'
import { isCoordinator, type SignalHost } from './signal-host.js'
import type { Participant } from './signal-participant.js'
import { ThreadHost } from './thread-host.js'
import { admitThreads } from './worker-threads.js'

export type { SignalHost } from './signal-host.js'
export type { LeaveRequest, Participant } from './signal-participant.js'

const KEY = Symbol.for('halfclose.signals')

/**
 * Adds an application to those that leave when the process is told to: by a signal that one of them has named, or by PM2's message `'shutdown'`. All
 * of them leave at once. The process exits when the last one has closed, with code 0 if nothing was cut (or `process.exitCode`, if that is set),
 * otherwise 1. In a worker thread the application joins the main thread's coordinator. Windows has no SIGTERM.
 *
 * Returns a function that removes the application again; the listeners go with the last one. It does not stop a leave that has begun.
 */
export function joinSignals(participant: Participant, host: SignalHost & object = process): () => void {
  const there: unknown = Reflect.get(host, KEY)
  if (isCoordinator(there)) return there.join(participant)
  const isThread = host === process && !isMainThread
  const coordinator = isThread
    ? new SignalCoordinator(new ThreadHost((message, code) => participant.warn(message, code)), undefined, findOtherHandles)
    : host === process
      ? new SignalCoordinator(host, admitThreads, findOtherHandles)
      : new SignalCoordinator(host)
  Object.defineProperty(host, KEY, { value: coordinator, configurable: true })
  return coordinator.join(participant)
}
