import { Console } from 'node:console'
import { inspect, types } from 'node:util'
import type { Logger } from './types.js'

/**
 * Calls a logger with its arguments in the order that it expects: the object first, as pino does, or the message first, as `console`, winston and
 * consola do. Those have a function `log`, and no `bindings`, which pino has. A console gets no fields with `info`: it would print them over forty lines. An error of the logger (its transport was closed on the same signal)
 * costs no request: the message then goes where warnings go.
 */
export function inItsOrder(logger: Logger): Logger {
  // An object that is no logger is refused where the options are parsed.
  if (!has(logger, 'info') || !has(logger, 'warn')) return logger
  const sentenceFirst = has(logger, 'log') && !has(logger, 'bindings')
  // The method is looked up at each call, since tests and others may replace it.
  const call = (method: 'info' | 'warn', fields: object, message: string) => {
    const isAlone = Object.keys(fields).length === 0 || (method === 'info' && logger instanceof Console)
    const inOrder = isAlone ? [message] : [message, fields]
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

/** What was thrown, or rejected with, as text. Not every value can be made a string. */
export function textOf(error: unknown): string {
  // If the application has set Error.prepareStackTrace, the stack may be of any type.
  if (error instanceof Error) return typeof error.stack === 'string' ? error.stack : error.message
  return typeof error === 'string' ? error : inspect(error)
}

/** An adapter's logger has not been checked yet. */
function has(logger: unknown, name: string): boolean {
  if ((typeof logger !== 'object' && typeof logger !== 'function') || logger === null) return false
  return typeof Reflect.get(logger, name) === 'function'
}
