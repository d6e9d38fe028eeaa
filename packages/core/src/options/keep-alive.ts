import { optionRangeError, optionTypeError } from '../errors/errors.js'
import type { WarningEvent } from '../events/types.js'
import { isToken } from '../http/tokens.js'
import { LONGEST_DELAY } from '../node/real-timers.js'
import type { Inherited } from '../node/server-kinds.js'
import * as DEFAULTS from './defaults.js'
import { askSeconds, grouped, hintOfSeconds } from './mistaken-units.js'
import { holdBehind, holdWarning, type ProxyPreset } from './proxies.js'
import { duration, isLimit, limit, plainObject, section } from './rules.js'
import type { Http10, KeepAlivePolicy } from './types.js'

/** The hold is longer than the promise by this: the client's clock starts when the response arrives, the server's when it leaves. */
const MARGIN = 1_000

/** Parses the section `keepAlive`. */
export function parseKeepAlive(
  value: unknown,
  inherited: Inherited,
  behind: ProxyPreset | undefined,
  warnings: WarningEvent[],
): KeepAlivePolicy {
  const given = section(value, 'keepAlive', 'an object such as { timeout: 5_000 }, or false; leave it out for the defaults')
  const { maxRequestsPerSocket } = inherited
  const ageRule = `a number of milliseconds over 0, up to ${LONGEST_DELAY}`
  return Object.freeze({
    ...parseTimes(given.timeout, given.hold, inherited, behind, warnings),
    maxRequests:
      limit(given.maxRequests, 'keepAlive.maxRequests', 'an integer of at least 1', isLimit) ??
      (isLimit(maxRequestsPerSocket) ? maxRequestsPerSocket : false),
    maxAge: limit(given.maxAge, 'keepAlive.maxAge', ageRule, (ms) => ms > 0 && ms <= LONGEST_DELAY) ?? false,
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
  const promised = duration(givenTimeout, 'keepAlive.timeout', LONGEST_DELAY - MARGIN)
  const kept = duration(givenHold, 'keepAlive.hold')
  const least = (promised ?? 0) + MARGIN
  if (kept !== undefined && kept < least) {
    const rule =
      promised === undefined
        ? 'at least 1_000'
        : `at least ${grouped(least)}, 1_000 more than the promise \`keepAlive.timeout: ${grouped(promised)}\``
    throw optionRangeError('keepAlive.hold', rule, kept, hintOfSeconds(kept))
  }
  // To Node, 0 means "for ever, and without a Keep-Alive field": that is no promise.
  const set = Number.isFinite(inherited.keepAliveTimeout) && inherited.keepAliveTimeout > 0
  const server = set ? inherited.keepAliveTimeout : 0
  const timeout = promised ?? Math.min(server, DEFAULTS.KEEP_ALIVE_TIMEOUT, kept === undefined ? server : kept - MARGIN)
  // A server that was told to keep connections long (Fastify: 72_000) stands behind a load balancer; a short promise does not change that.
  const { keepAliveTimeoutBuffer = MARGIN } = inherited
  const usual = promised !== undefined ? 0 : set ? server + keepAliveTimeoutBuffer : DEFAULTS.KEEP_ALIVE_HOLD
  const hold = kept ?? Math.min(Math.max(usual, timeout + MARGIN, behind === undefined ? 0 : holdBehind(behind)), LONGEST_DELAY)
  const tooShort = behind === undefined ? undefined : holdWarning(behind, hold)
  if (tooShort !== undefined) warnings.push(Object.freeze({ code: 'HALFCLOSE_HOLD_BELOW_PROXY', message: tooShort }))
  if (timeout > 0 && timeout < 1_000) {
    const source = promised !== undefined ? 'option' : timeout === server ? 'server' : 'hold'
    const message = notAdvertised(source, timeout, hold)
    warnings.push(Object.freeze({ code: 'HALFCLOSE_PROMISE_NOT_ADVERTISED', message }))
  }
  return { timeout, hold }
}

/** `source`: where the promise comes from: the option `timeout`, the server's own setting, or what the option `hold` leaves. */
function notAdvertised(source: 'option' | 'server' | 'hold', timeout: number, hold: number): string {
  const what = {
    option: `option \`keepAlive.timeout\`: ${askSeconds(timeout)}`,
    server: `server.keepAliveTimeout: ${askSeconds(timeout)}`,
    hold: `option \`keepAlive.hold\`: ${hold} ms leave ${timeout} ms to promise.`,
  }[source]
  return `halfclose: ${what} A promise under 1_000 ms is kept, but not advertised`
}

function parseHttp10(value: unknown): Http10 {
  const rule = "'grant', 'refuse' or 'ignore'"
  if (value === undefined) return DEFAULTS.KEEP_ALIVE_HTTP10
  if (typeof value !== 'string') throw optionTypeError('keepAlive.http10', rule, value)
  if (value !== 'grant' && value !== 'refuse' && value !== 'ignore') throw optionRangeError('keepAlive.http10', rule, value)
  return value
}

/** The parameters as one string, made once per policy, so that a response only appends it. A value that could split the header is refused here. */
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
  // RFC 9110 §5.6.4. A server may receive bytes over 0x7E (obs-text), but must not send them.
  if (!/^[\t\x20-\x7e]*$/.test(value)) throw optionRangeError(path, 'printable ASCII, without control characters', value)
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}
