import { optionTypeError } from '../errors/errors.js'
import type { ConnectionLog } from './types.js'

/** The option `connectionLog`; `undefined`: no line per connection. */
export function parseConnectionLog(options: unknown): ConnectionLog | undefined {
  if (typeof options !== 'object' || options === null || !('connectionLog' in options)) return undefined
  const { connectionLog: given } = options
  if (given === undefined || given === false) return undefined
  if (given === true || isWriter(given)) return given
  throw optionTypeError('connectionLog', 'true, false or a function (line, event) => void', given)
}

function isWriter(value: unknown): value is Exclude<ConnectionLog, boolean> {
  return typeof value === 'function'
}
