import type { Participant } from './participant.js'

/** What the process shares, under `Symbol.for('halfclose.signals')`. `version` grows with what is added. */
export interface Coordinator {
  readonly version: number
  join(participant: Participant): () => void
}

export type Listener = (...args: unknown[]) => void

/** What a coordinator needs of the process; tests, and worker threads, bring their own. */
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
