import { placeOf } from './caller.js'
import { timerOf } from './kill-timers.js'

/** How a process was ended while its applications were leaving. */
export interface Ended {
  /** What they were told to leave by. */
  readonly reason: string
  /** Milliseconds since then. */
  readonly elapsed: number
  /** What is still open, by application. */
  readonly open: string
  readonly isOpen: boolean
  /** The second signal. */
  readonly forcedBy: string | undefined
  /** Nothing was left to run. */
  readonly ranDry: boolean
}

/** The line for it. To be called in a listener of the process's 'exit': the stack shows who called `process.exit()`. */
export function endedLine({ reason, elapsed, open, isOpen, forcedBy, ranDry }: Ended): string {
  const when = isOpen ? 'while it drained' : 'after the drain, while the application closed'
  return `halfclose: ended by ${whom(elapsed, isOpen, forcedBy, ranDry)} ${when}, ${elapsed} ms after ${reason}. ${open}`
}

function whom(elapsed: number, isOpen: boolean, forcedBy: string | undefined, ranDry: boolean): string {
  if (forcedBy !== undefined) return `a second signal (${forcedBy})`
  if (ranDry) return 'itself (nothing was left to run)'
  const { place, byTimer } = callOfExit(stack())
  if (place === undefined) return 'somebody else (no call of process.exit(): an uncaught error?)'
  const timer = byTimer && isOpen ? `; ${timerOf(elapsed)}` : ''
  return `somebody else (process.exit() at ${place}${timer})`
}

function stack(): string {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack: lines } = new Error()
  Error.stackTraceLimit = before
  return lines ?? ''
}

/** Where a stack shows that `process.exit()` was called, and whether a timer has called that. */
export function callOfExit(lines: string): { place: string | undefined; byTimer: boolean } {
  const frames = lines.split('\n').map((line) => line.trim())
  const exit = frames.findIndex((frame) => /^at (?:process|Process)\.(?:exit|reallyExit) /.test(frame))
  if (exit === -1) return { place: undefined, byTimer: false }
  const callers = frames.slice(exit + 1)
  const caller = callers.find((frame) => frame.startsWith('at ') && !/\(?node:/.test(frame))
  const place = caller === undefined ? 'a place that is not known' : placeOf(caller)
  return { place, byTimer: callers.some((frame) => /\(node:internal\/timers:/.test(frame)) }
}
