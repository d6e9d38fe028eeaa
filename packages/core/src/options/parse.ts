import { optionRangeError, optionTypeError } from '../errors/errors.js'
import { fold, nearest } from '../errors/spelling.js'
import type { Logger, WarningEvent } from '../events/types.js'
import type { Inherited } from '../node/server-kinds.js'
import { LONGEST } from '../node/standstill.js'
import { parseConnectionLog } from './connection-log.js'
import { FOR_EVER, parseKeepAlive } from './keep-alive.js'
import { secondsGiven } from './mistaken-units.js'
import { PROXIES, PROXY_ALIASES, type ProxyPreset, presetOf } from './proxies.js'
import { count, duration, isLimit, limit, section } from './rules.js'
import { parseTcp } from './tcp.js'
import type { DrainPolicy, Http2Policy, KeepAlivePolicy, Policy } from './types.js'

export interface ParsedOptions {
  readonly policy: Policy
  /** Dangerous, but legal. */
  readonly warnings: readonly WarningEvent[]
}

/** `drain: 'fast'`. */
export const FAST_DRAIN: DrainPolicy = Object.freeze({
  delay: 0,
  deadline: 2_000,
  idle: 0,
  silent: 0,
  upgraded: 2_000,
  minRate: 240,
})

/** As `'fast'`, and no slower than the policy has it. */
export function fastened({ deadline, upgraded }: DrainPolicy): DrainPolicy {
  const { deadline: most } = FAST_DRAIN
  return { ...FAST_DRAIN, deadline: Math.min(most, deadline), upgraded: Math.min(most, upgraded) }
}

/**
 * Options → Policy, total and deeply frozen, or a `HALFCLOSE_OPTION_…` error. `alsoKnown` are the top-level names that an
 * adapter reads itself: they are passed over here, and may be what a misspelt name meant.
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
    halfClosed: duration(given.halfClosed, 'halfClosed') ?? 5_000,
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

function parseLinger(value: unknown): Policy['linger'] {
  const given = section(value, 'linger', 'an object such as { quiet: 2_000 }; it has bounds, but no switch')
  return Object.freeze({
    quiet: duration(given.quiet, 'linger.quiet') ?? 2_000,
    total: duration(given.total, 'linger.total') ?? 30_000,
    bytes: count(given.bytes, 'linger.bytes', 0) ?? 64 * 1024 * 1024,
    connections: count(given.connections, 'linger.connections', 1) ?? 1_000,
  })
}

function parseDrain(value: unknown, warnings: WarningEvent[]): DrainPolicy {
  if (value === 'fast') return FAST_DRAIN
  const rule = "an object such as { deadline: 20_000 }, or 'fast'"
  if (typeof value === 'string') throw optionRangeError('drain', rule, value)
  const given = section(value, 'drain', rule)
  const delay = duration(given.delay, 'drain.delay') ?? 0
  const deadline = duration(given.deadline, 'drain.deadline') ?? 20_000
  if (delay > 0 && deadline <= delay) {
    const message = `halfclose: \`drain.deadline\` (${deadline} ms) counts from the signal and includes \`drain.delay\` (${delay} ms): nothing is left to drain in`
    warnings.push(Object.freeze({ code: 'HALFCLOSE_DEADLINE_WITHIN_DELAY', message }))
  }
  return Object.freeze({
    delay,
    deadline,
    idle: parseIdle(given.idle),
    silent: duration(given.silent, 'drain.silent') ?? 5_000,
    upgraded: duration(given.upgraded, 'drain.upgraded') ?? deadline,
    minRate: parseMinRate(given.minRate, 'drain.minRate') ?? 240,
  })
}

function parseMinRate(value: unknown, path: 'drain.minRate' | 'limits.minRate'): number | false | undefined {
  const holds = (rate: number) => rate > 0 && Number.isFinite(rate)
  return limit(value, path, 'a number of bytes per second over 0', holds, { off: 'no such bound' })
}

function parseIdle(value: unknown): 'promise' | number {
  if (value === undefined || value === 'promise') return 'promise'
  const rule = `'promise' or a number of milliseconds from 0 to ${LONGEST}`
  if (typeof value !== 'number') throw optionTypeError('drain.idle', rule, value)
  if (!(value >= 0 && value <= LONGEST)) throw optionRangeError('drain.idle', rule, value)
  return value
}

function parseLimits(value: unknown): Policy['limits'] {
  const given = section(value, 'limits', 'an object such as { connections: 10_000 }')
  const { refuse = 'answer' } = given
  if (refuse !== 'answer' && refuse !== 'drop') {
    const rule = "'answer' or 'drop'"
    throw typeof refuse === 'string'
      ? optionRangeError('limits.refuse', rule, refuse)
      : optionTypeError('limits.refuse', rule, refuse)
  }
  const rule = 'an integer of at least 1'
  return Object.freeze({
    connections: limit(given.connections, 'limits.connections', rule, isLimit) ?? false,
    perClient: limit(given.perClient, 'limits.perClient', rule, isLimit) ?? false,
    idle: limit(given.idle, 'limits.idle', rule, isLimit) ?? false,
    minRate: parseMinRate(given.minRate, 'limits.minRate') ?? false,
    stalled: parseStalled(given.stalled, 'limits.stalled') ?? 60_000,
    refuse,
  })
}

function parseStalled(value: unknown, path: 'limits.stalled' | 'http2.stalled'): number | false | undefined {
  return limit(value, path, `a number of milliseconds over 0, up to ${LONGEST}`, (ms) => ms > 0 && ms <= LONGEST)
}

/** `chosen`: how long idle connections are kept is no default. A session costs more to open than a connection, and is promised nothing. */
function parseHttp2(value: unknown, keepAlive: KeepAlivePolicy | false, chosen: boolean, stalled: number | false): Http2Policy {
  const given = section(value, 'http2', 'an object such as { hold: 60_000 }')
  const usual = keepAlive === false ? 0 : chosen ? keepAlive.hold : Math.max(keepAlive.hold, FOR_EVER)
  const rule = 'an integer of at least 1'
  return Object.freeze({
    hold: duration(given.hold, 'http2.hold') ?? usual,
    streams: limit(given.streams, 'http2.streams', rule, isLimit) ?? 128,
    resets: limit(given.resets, 'http2.resets', rule, isLimit) ?? 500,
    control: limit(given.control, 'http2.control', rule, isLimit) ?? 1_000,
    stalled: parseStalled(given.stalled, 'http2.stalled') ?? stalled,
  })
}

function isChosen(keepAlive: unknown): boolean {
  if (typeof keepAlive !== 'object' || keepAlive === null) return false
  return Reflect.get(keepAlive, 'hold') !== undefined || Reflect.get(keepAlive, 'timeout') !== undefined
}

function isLogger(value: unknown): value is Logger {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'info' in value && typeof value.info === 'function' && 'warn' in value && typeof value.warn === 'function'
}
