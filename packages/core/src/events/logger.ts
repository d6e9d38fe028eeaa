import { inspect, types } from 'node:util'
import type { Logger } from './types.js'

/**
 * A logger as it wants to be called: the object first, as pino does it, or the sentence first, where its methods print what they are given in that order:
 * the console's, winston's, consola's. Those have a function `log`, and none of them has pino's `bindings`. One that throws (its transport was closed on the same signal)
 * costs no request: what it was to say goes where warnings go.
 */
export function inItsOrder(logger: Logger): Logger {
  // What is no logger is refused where the options are parsed.
  if (!has(logger, 'info') || !has(logger, 'warn')) return logger
  const sentenceFirst = has(logger, 'log') && !has(logger, 'bindings')
  // Called on the logger each time: it may be replaced there, by tests for example.
  const call = (method: 'info' | 'warn', fields: object, message: string) => {
    const inOrder = Object.keys(fields).length === 0 ? [message] : [message, fields]
    const failed = (error: unknown) => {
      const said = `halfclose: the logger failed: ${textOf(error)}\nIt was to say: ${message}`
      process.emitWarning(said, { type: 'HalfcloseWarning', code: 'HALFCLOSE_UNEXPECTED_ERROR' })
    }
    try {
      const done: unknown = Reflect.apply(logger[method], logger, sentenceFirst ? inOrder : [fields, message])
      if (types.isPromise(done)) done.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
  return {
    info: (fields, message) => call('info', fields, message),
    warn: (fields, message) => call('warn', fields, message),
  }
}

/** Whatever was thrown or rejected with, in words; not every value can be made a string. */
export function textOf(error: unknown): string {
  if (error instanceof Error) return error.stack ?? error.message
  return typeof error === 'string' ? error : inspect(error)
}

/** Not yet checked where an adapter gets it. */
function has(logger: unknown, name: string): boolean {
  if ((typeof logger !== 'object' && typeof logger !== 'function') || logger === null) return false
  return typeof Reflect.get(logger, name) === 'function'
}
