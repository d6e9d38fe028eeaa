import { optionRangeError, optionTypeError } from '../errors/errors.js'
import { fold, nearest } from '../errors/spelling.js'
import type { Logger, WarningEvent } from '../events/types.js'
import type { Inherited } from '../node/server-kinds.js'
import { parseConnectionLog } from './connection-log.js'
import * as DEFAULTS from './defaults.js'
import { parseDrain } from './drain.js'
import { isChosen, parseHttp2 } from './http2.js'
import { parseKeepAlive } from './keep-alive.js'
import { parseLimits } from './limits.js'
import { parseLinger } from './linger.js'
import { secondsGiven } from './mistaken-units.js'
import { PROXIES, PROXY_ALIASES, type ProxyPreset, presetOf } from './proxies.js'
import { duration, section } from './rules.js'
import { parseTcp } from './tcp.js'
import type { Policy } from './types.js'

export interface ParsedOptions {
  readonly policy: Policy
  /** About options that are legal, but dangerous. */
  readonly warnings: readonly WarningEvent[]
}

/**
 * Options → Policy, complete and deeply frozen, or a `HALFCLOSE_OPTION_…` error. `alsoKnown`: top-level names that an adapter reads itself. They are
 * accepted here, and may be suggested for a misspelt name.
 */
export function parseOptions(
  options: unknown,
  inherited: Inherited,
  alsoKnown: readonly string[] = [],
  env = process.env,
): ParsedOptions {
  const given = section(options, '', 'an object', alsoKnown)
  const warnings: WarningEvent[] = []
  if (given.logger !== undefined && !isLogger(given.logger)) {
    throw optionTypeError('logger', 'an object with the functions info and warn, such as a pino logger', given.logger)
  }
  parseConnectionLog(given)
  const behind = parseBehind(given.behind)
  const keepAlive = given.keepAlive === false ? false : parseKeepAlive(given.keepAlive, inherited, behind, warnings)
  const limits = parseLimits(given.limits)
  const policy = Object.freeze({
    keepAlive,
    halfClosed: duration(given.halfClosed, 'halfClosed') ?? DEFAULTS.HALF_CLOSED,
    linger: parseLinger(given.linger),
    drain: parseDrain(given.drain, warnings),
    limits,
    tcp: parseTcp(given.tcp, warnings),
    http2: parseHttp2(given.http2, keepAlive, isChosen(given.keepAlive), limits.stalled),
  })
  warnings.push(...secondsGiven(options, env))
  return Object.freeze({ policy, warnings: Object.freeze(warnings) })
}

/** The logger of options that {@link parseOptions} has accepted. */
export function loggerOf(options: unknown): Logger | undefined {
  if (typeof options !== 'object' || options === null || !('logger' in options)) return undefined
  return isLogger(options.logger) ? options.logger : undefined
}

function parseBehind(value: unknown): ProxyPreset | undefined {
  if (value === undefined) return undefined
  const names = Object.keys(PROXIES)
  const rule = `one of ${names.map((name) => `'${name}'`).join(', ')}`
  if (typeof value !== 'string') throw optionTypeError('behind', rule, value)
  const preset = presetOf(value)
  if (preset !== undefined) return preset
  const meant = PROXY_ALIASES.get(fold(value)) ?? nearest(value, names)
  const hint = meant === undefined ? 'for any other proxy give `keepAlive.hold`' : `did you mean '${meant}'?`
  throw optionRangeError('behind', rule, value, hint)
}

function isLogger(value: unknown): value is Logger {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'info' in value && typeof value.info === 'function' && 'warn' in value && typeof value.warn === 'function'
}
