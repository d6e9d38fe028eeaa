import type { Logger } from './options-types.js'

/**
 * A logger as it wants to be called: the object first, as pino does it, or the sentence first, where its methods print what they are given in that order:
 * the console's, winston's, consola's. Those have a function `log`, and none of them has pino's `bindings`.
 */
export function inItsOrder(logger: Logger): Logger {
  if (!printsInOrder(logger)) return logger
  // Called on the logger each time: it may be replaced there, by tests for example.
  const call = (method: 'info' | 'warn', fields: object, message: string) => {
    Reflect.apply(logger[method], logger, Object.keys(fields).length === 0 ? [message] : [message, fields])
  }
  return {
    info: (fields, message) => call('info', fields, message),
    warn: (fields, message) => call('warn', fields, message),
  }
}

/** Not yet checked where an adapter gets it. */
function printsInOrder(logger: unknown): boolean {
  if ((typeof logger !== 'object' && typeof logger !== 'function') || logger === null) return false
  const has = (name: string) => typeof Reflect.get(logger, name) === 'function'
  return has('log') && has('info') && has('warn') && !has('bindings')
}
