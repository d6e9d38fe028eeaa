/**
 * The place in the code that called `own`, where that is neither Node's nor unknown; `undefined` where Node itself called it. For what happens seldom: a
 * stack is taken.
 */
export function directCaller(own: (...args: never[]) => unknown): string | undefined {
  const trace: { stack?: string } = {}
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 1
  Error.captureStackTrace(trace, own)
  Error.stackTraceLimit = before
  const frame = trace.stack?.split('\n').find((line) => /^\s*at /.test(line))
  return frame === undefined || /\(?node:/.test(frame) ? undefined : placeOf(frame)
}

/** `at name (/app/server.mjs:1:2)` → `/app/server.mjs:1:2` */
export function placeOf(frame: string): string {
  return /\((.+)\)$/.exec(frame)?.[1] ?? frame.replace(/^\s*at (?:async )?/, '')
}
