import { optionRangeError, optionTypeError } from '../errors/errors.js'
import { fold, nearest } from '../errors/spelling.js'
import type { Logger, WarningEvent } from '../events/types.js'
import { isToken } from '../http/tokens.js'
import type { Inherited } from '../node/server-kinds.js'
import { LONGEST } from '../node/standstill.js'
import { parseConnectionLog } from './connection-log.js'
import { askSeconds, grouped, hintOfSeconds, secondsGiven } from './mistaken-units.js'
import { holdBehind, holdWarning, PROXIES, PROXY_ALIASES, type ProxyPreset, presetOf } from './proxies.js'
import { count, duration, limit, plainObject, section } from './rules.js'
import { parseTcp } from './tcp.js'
import type { DrainPolicy, Http2Policy, Http10, KeepAlivePolicy, Policy } from './types.js'

export interface ParsedOptions {
  readonly policy: Policy
  /** Dangerous, but legal. */
  readonly warnings: readonly WarningEvent[]
}

/** A connection is kept longer than promised by this: the client's clock started when our response arrived, ours when it left. */
const MARGIN = 1_000
/** What is kept where the server said "for ever" (0): longer than the load balancers in front of it. */
const FOR_EVER = 72_000
/** What is promised where nobody chose; Node's own default. */
const PROMISE = 5_000

/** `drain: 'fast'`. */
export const FAST_DRAIN: DrainPolicy = Object.freeze({
  delay: 0,
  deadline: 2_000,
  idle: 0,
  silent: 0,
  upgraded: 2_000,
  minRate: 240,
})

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

function parseKeepAlive(
  value: unknown,
  inherited: Inherited,
  behind: ProxyPreset | undefined,
  warnings: WarningEvent[],
): KeepAlivePolicy {
  const given = section(value, 'keepAlive', 'an object such as { timeout: 5_000 }, or false; leave it out for the defaults')
  const { maxRequestsPerSocket } = inherited
  const ageRule = `a number of milliseconds over 0, up to ${LONGEST}`
  return Object.freeze({
    ...parseTimes(given.timeout, given.hold, inherited, behind, warnings),
    maxRequests:
      limit(given.maxRequests, 'keepAlive.maxRequests', 'an integer of at least 1', isLimit) ??
      (isLimit(maxRequestsPerSocket) ? maxRequestsPerSocket : false),
    maxAge: limit(given.maxAge, 'keepAlive.maxAge', ageRule, (ms) => ms > 0 && ms <= LONGEST) ?? false,
    http10: parseHttp10(given.http10),
    parameters: parseParameters(given.parameters),
  })
}

function parseTimes(
  givenTimeout: unknown,
  givenHold: unknown,
  inherited: Inherited,
  behind: ProxyPreset | undefined,
  warnings: WarningEvent[],
) {
  const promised = duration(givenTimeout, 'keepAlive.timeout', LONGEST - MARGIN)
  const kept = duration(givenHold, 'keepAlive.hold')
  const least = (promised ?? 0) + MARGIN
  if (kept !== undefined && kept < least) {
    const rule =
      promised === undefined
        ? 'at least 1_000'
        : `at least ${grouped(least)}, 1_000 more than the promise \`keepAlive.timeout: ${grouped(promised)}\``
    throw optionRangeError('keepAlive.hold', rule, kept, hintOfSeconds(kept))
  }
  // 0 means "for ever, without a field" to Node: no promise.
  const set = Number.isFinite(inherited.keepAliveTimeout) && inherited.keepAliveTimeout > 0
  const server = set ? inherited.keepAliveTimeout : 0
  const timeout = promised ?? Math.min(server, PROMISE, kept === undefined ? PROMISE : kept - MARGIN)
  // A server that was told to keep connections long (Fastify: 72_000) has a load balancer before it; a short promise does not change that.
  const { keepAliveTimeoutBuffer = MARGIN } = inherited
  const usual = promised !== undefined ? 0 : set ? server + keepAliveTimeoutBuffer : FOR_EVER
  const hold = kept ?? Math.min(Math.max(usual, timeout + MARGIN, behind === undefined ? 0 : holdBehind(behind)), LONGEST)
  const tooShort = behind === undefined ? undefined : holdWarning(behind, hold)
  if (tooShort !== undefined) warnings.push(Object.freeze({ code: 'HALFCLOSE_HOLD_BELOW_PROXY', message: tooShort }))
  if (timeout > 0 && timeout < 1_000) {
    const hint = askSeconds(timeout)
    const source =
      promised !== undefined
        ? `option \`keepAlive.timeout\`: ${hint}`
        : timeout === server
          ? `server.keepAliveTimeout: ${hint}`
          : `option \`keepAlive.hold\`: ${hold} ms leave ${timeout} ms to promise.`
    const message = `halfclose: ${source} A promise under 1_000 ms is kept, but not advertised`
    warnings.push(Object.freeze({ code: 'HALFCLOSE_PROMISE_NOT_ADVERTISED', message }))
  }
  return { timeout, hold }
}

function parseHttp10(value: unknown): Http10 {
  const rule = "'grant', 'refuse' or 'ignore'"
  if (value === undefined) return 'grant'
  if (typeof value !== 'string') throw optionTypeError('keepAlive.http10', rule, value)
  if (value !== 'grant' && value !== 'refuse' && value !== 'ignore') throw optionRangeError('keepAlive.http10', rule, value)
  return value
}

/** Once per policy, so that a response only appends a string. What could split a header is refused here. */
function parseParameters(value: unknown): string {
  if (value === undefined) return ''
  const path = 'keepAlive.parameters'
  const given = plainObject(value, path, "an object such as { pod: 'a1' }")
  return Object.entries(given)
    .map(([name, parameter]) => {
      if (!isToken(name)) throw optionRangeError(path, 'named by tokens (RFC 9110 §5.6.2: letters, digits, -, _, …)', name)
      if (/^(?:timeout|max)$/i.test(name)) {
        throw optionRangeError(`${path}.${name}`, 'left out: `timeout` and `maxRequests` write it', parameter)
      }
      return `${name}=${parameterValue(parameter, `${path}.${name}`)}`
    })
    .join(', ')
}

function parameterValue(value: unknown, path: string): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw optionRangeError(path, 'a finite number', value)
    return String(value)
  }
  if (typeof value !== 'string') throw optionTypeError(path, 'a string or a number', value)
  if (isToken(value)) return value
  // RFC 9110 §5.6.4. Bytes over 0x7E (obs-text) are legal to receive, not to send.
  if (!/^[\t\x20-\x7e]*$/.test(value)) throw optionRangeError(path, 'printable ASCII, without control characters', value)
  return `"${value.replace(/["\\]/g, '\\$&')}"`
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

function isLimit(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

function isLogger(value: unknown): value is Logger {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'info' in value && typeof value.info === 'function' && 'warn' in value && typeof value.warn === 'function'
}
