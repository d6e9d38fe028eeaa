/**
 * The place in the application's code that called `own`; `undefined` where Node called it, or where the stack does not tell. It takes a stack trace,
 * so it is only for rare calls.
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
