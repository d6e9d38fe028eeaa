import type { ErrorCode } from './codes.js'

/** What an error about an option knows besides its message. */
export interface ErrorDetail {
  readonly path?: string | undefined
  readonly value?: unknown
}

/** A `TypeError` with a stable `code`. Tell it by the code: two copies of the package may be loaded, so `instanceof` may fail. */
export class HalfcloseTypeError extends TypeError {
  /** The name that Node prints; the bundle's own is another. */
  static override readonly name = 'HalfcloseTypeError'
  /** Stable; docs/codes.md says when each comes and what to do. */
  readonly code: ErrorCode
  /** The option, e.g. `keepAlive.hold`; `''` for the options as a whole; `undefined` where the error is not about an option. */
  declare readonly path: string | undefined
  /** What was given. */
  declare readonly value: unknown

  constructor(code: ErrorCode, message: string, detail?: ErrorDetail) {
    super(message)
    this.code = code
    attachDetail(this, detail)
  }
}

/** A `RangeError` with a stable `code`, see {@link HalfcloseTypeError}. */
export class HalfcloseRangeError extends RangeError {
  /** The name that Node prints; the bundle's own is another. */
  static override readonly name = 'HalfcloseRangeError'
  /** Stable; docs/codes.md says when each comes and what to do. */
  readonly code: ErrorCode
  /** The option, e.g. `keepAlive.hold`; `undefined` where the error is not about an option. */
  declare readonly path: string | undefined
  /** What was given. */
  declare readonly value: unknown

  constructor(code: ErrorCode, message: string, detail?: ErrorDetail) {
    super(message)
    this.code = code
    attachDetail(this, detail)
  }
}

/** An option of the wrong type. `rule` completes "must be …". */
export function optionTypeError(path: string, rule: string, value: unknown): HalfcloseTypeError {
  return new HalfcloseTypeError('HALFCLOSE_OPTION_TYPE', ruleMessage(path, rule, value), { path, value })
}

/** An option of the right type, out of its bounds. `rule` completes "must be …"; `hint`: what the caller probably meant. */
export function optionRangeError(path: string, rule: string, value: unknown, hint?: string): HalfcloseRangeError {
  const message = ruleMessage(path, rule, value)
  return new HalfcloseRangeError('HALFCLOSE_OPTION_RANGE', hint === undefined ? message : `${message}; ${hint}`, { path, value })
}

/** A value for an error message: short, on one line, and never the inside of an object, which may hold secrets. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `${quote(value)} (string)`
  if (typeof value === 'function') return 'a function'
  if (value === undefined || value === null) return String(value)
  if (typeof value !== 'object') return `${shorten(String(value))} (${typeof value})`
  if (Array.isArray(value)) return 'an array'
  const made: unknown = value.constructor
  const name: unknown = typeof made === 'function' ? made.name : undefined
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `an instance of ${shorten(name)}` : 'an object'
}

/** Quoted as JSON: no content of the string can break the line of the log. */
export function quote(text: string): string {
  return JSON.stringify(shorten(text))
}

function ruleMessage(path: string, rule: string, value: unknown): string {
  return `halfclose: ${path === '' ? 'options' : `option \`${path}\``} must be ${rule}, got ${describe(value)}`
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function attachDetail(error: HalfcloseTypeError | HalfcloseRangeError, detail: ErrorDetail | undefined): void {
  // Not enumerable: Node prints the enumerable properties of an uncaught error, and the value may be a whole application.
  Object.defineProperty(error, 'value', { value: detail?.value, enumerable: false })
  Object.defineProperty(error, 'path', { value: detail?.path, enumerable: detail?.path !== undefined })
  showCaller(error)
}

/** Of an adapter ten calls are above the application's, and a stack of Node's usual length would end before that line. */
function showCaller(error: HalfcloseTypeError | HalfcloseRangeError): void {
  const before = Error.stackTraceLimit
  // An assignment would throw where Node was started with `--frozen-intrinsics`.
  Reflect.set(Error, 'stackTraceLimit', 30)
  Error.captureStackTrace(error, error.constructor)
  Reflect.set(Error, 'stackTraceLimit', before)
}
