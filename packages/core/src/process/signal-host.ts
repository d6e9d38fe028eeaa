import type { Participant } from './signal-participant.js'

/** The coordinator of a process, under `Symbol.for('halfclose.signals')`. `version` grows with each addition. */
export interface Coordinator {
  readonly version: number
  join(participant: Participant): () => void
}

export type Listener = (...args: unknown[]) => void

/** The part of the process that a coordinator needs. Tests and worker threads pass their own. */
export interface SignalHost {
  on(event: string, listener: Listener): unknown
  prependListener(event: string, listener: Listener): unknown
  off(event: string, listener: Listener): unknown
  listenerCount(event: string): number
  exit(code?: number): unknown
  exitCode?: number | string | null | undefined
}

export function isCoordinator(value: unknown): value is Coordinator {
  return typeof value === 'object' && value !== null && 'join' in value && typeof value.join === 'function'
}
