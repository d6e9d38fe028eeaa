/**
 * The place in the application's code that called `own`; `undefined` where Node called it, or where the stack does not tell. It takes a stack trace,
 * so it is only for rare calls.
 */
export function directCaller(own: (...args: never[]) => unknown): string | undefined {
  const stack = stackBelow(own)
  // If the application has set Error.prepareStackTrace, the stack may be of any type.
  const frame = typeof stack === 'string' ? stack.split('\n').find((line) => /^\s*at /.test(line)) : undefined
  return frame === undefined || /\(?node:/.test(frame) ? undefined : placeOf(frame)
}

/** The application's Error.prepareStackTrace may throw, and so does an assignment where Node was started with `--frozen-intrinsics`. */
function stackBelow(own: (...args: never[]) => unknown): unknown {
  const trace: { stack?: unknown } = {}
  const before = Error.stackTraceLimit
  try {
    Error.stackTraceLimit = 1
    Error.captureStackTrace(trace, own)
    return trace.stack
  } catch {
    return undefined
  } finally {
    Reflect.set(Error, 'stackTraceLimit', before)
  }
}

/** `at name (/app/server.mjs:1:2)` → `/app/server.mjs:1:2` */
export function placeOf(frame: string): string {
  return /\((.+)\)$/.exec(frame)?.[1] ?? frame.replace(/^\s*at (?:async )?/, '')
}
