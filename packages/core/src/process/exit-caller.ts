import { placeOf } from '../node/call-site.js'
import { timerOf } from './grace-periods.js'

/** How a process was ended while its applications were leaving. */
export interface Ended {
  /** The signal or message by which they were told to leave. */
  readonly reason: string
  /** Milliseconds since then. */
  readonly elapsed: number
  /** What is still open in each application. */
  readonly open: string
  /** The drain is not over. */
  readonly isDraining: boolean
  /** A connection is open. */
  readonly isOpen: boolean
  /** The second signal, if there was one. */
  readonly forcedBy: string | undefined
  /** Nothing was left to run. */
  readonly ranDry: boolean
}

/** The line about it. It has to be called in a listener of the process's 'exit': there the stack shows where `process.exit()` was called. */
export function endedLine(ended: Ended): string {
  const { reason, elapsed, open, isDraining } = ended
  const when = isDraining ? 'while it drained' : 'after the drain, while the application closed'
  return `halfclose: ended by ${whom(ended)} ${when}, ${elapsed} ms after ${reason}. ${open}`
}

function whom({ elapsed, isOpen, forcedBy, ranDry }: Ended): string {
  if (forcedBy !== undefined) return `a second signal (${forcedBy})`
  const frames = stack()
  if (/\bnode:internal\/cluster\/child\b/.test(frames))
    return "node:cluster (the primary has gone, and Node ends its workers then: it has to wait for their 'exit' when it gets the signal)"
  const { place, byTimer } = callOfExit(frames)
  if (place === undefined && ranDry) return 'itself (nothing was left to run)'
  if (place === undefined) return 'other code (no call of process.exit(): an uncaught error?)'
  const timer = byTimer && isOpen ? `; ${timerOf(elapsed)}` : ''
  return `other code (process.exit() at ${place}${timer})`
}

function stack(): string {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  // If the application has set Error.prepareStackTrace, the stack may be of any type.
  const lines: unknown = new Error().stack
  Error.stackTraceLimit = before
  return typeof lines === 'string' ? lines : ''
}

/** The place of the call of `process.exit()` in a stack, and whether a timer made the call. */
export function callOfExit(lines: string): { place: string | undefined; byTimer: boolean } {
  const frames = lines.split('\n').map((line) => line.trim())
  const exit = frames.findIndex((frame) => /^at (?:\w+\.)?(?:exit|reallyExit) /.test(frame))
  if (exit === -1) return { place: undefined, byTimer: false }
  const callers = frames.slice(exit + 1)
  const caller = callers.find((frame) => frame.startsWith('at ') && !/\(?node:/.test(frame))
  const place = caller === undefined ? 'a place that is not known' : placeOf(caller)
  // Promises settle, and immediates run, below timers that have nothing to do with them: the first of these frames began the turn.
  const began = callers.find((frame) =>
    /^at (?:process\.)?(?:processTicksAndRejections|processImmediate|listOnTimeout) /.test(frame),
  )
  return { place, byTimer: began?.includes('listOnTimeout') === true }
}
