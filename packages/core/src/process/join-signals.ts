import { isMainThread } from 'node:worker_threads'
import { findBystanders } from './other-listeners.js'
import type { Participant } from './participant.js'
import { SignalCoordinator } from './signal-coordinator.js'
import { isCoordinator, type SignalHost } from './signal-host.js'
import { ThreadHost } from './thread-host.js'
import { admitThreads } from './worker-threads.js'

export type { LeaveRequest, Participant } from './participant.js'
export type { SignalHost } from './signal-host.js'

const KEY = Symbol.for('halfclose.signals')

/**
 * Adds an application to those that leave when the process is told to: by a signal that one of them has named, or PM2's message
 * `'shutdown'`. All that have joined leave at once; the process exits when the last of them has closed, with code 0 where nothing was cut (or
 * `process.exitCode`, where that is set), else 1. In a worker thread the main thread's coordinator is joined. Windows has no SIGTERM.
 *
 * Returns how to leave the list again; with the last one the listeners go. That does not call off a leave that has begun.
 */
export function joinSignals(participant: Participant, host: SignalHost & object = process): () => void {
  const there: unknown = Reflect.get(host, KEY)
  if (isCoordinator(there)) return there.join(participant)
  const isThread = host === process && !isMainThread
  const coordinator = isThread
    ? new SignalCoordinator(new ThreadHost((message, code) => participant.warn(message, code)), undefined, findBystanders)
    : host === process
      ? new SignalCoordinator(host, admitThreads, findBystanders)
      : new SignalCoordinator(host)
  Object.defineProperty(host, KEY, { value: coordinator, configurable: true })
  return coordinator.join(participant)
}
