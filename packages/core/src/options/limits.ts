import { optionRangeError, optionTypeError } from '../errors/errors.js'
import { LONGEST_DELAY } from '../node/real-timers.js'
import * as DEFAULTS from './defaults.js'
import { isLimit, limit, section } from './rules.js'
import type { Policy } from './types.js'

export function parseLimits(value: unknown): Policy['limits'] {
  const given = section(value, 'limits', 'an object such as { connections: 10_000 }')
  const { refuse = DEFAULTS.LIMITS_REFUSE } = given
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
    stalled: parseStalled(given.stalled, 'limits.stalled') ?? DEFAULTS.LIMITS_STALLED,
    refuse,
  })
}

export function parseMinRate(value: unknown, path: 'drain.minRate' | 'limits.minRate'): number | false | undefined {
  const holds = (rate: number) => rate > 0 && Number.isFinite(rate)
  return limit(value, path, 'a number of bytes per second over 0', holds, { off: 'no such bound' })
}

export function parseStalled(value: unknown, path: 'limits.stalled' | 'http2.stalled'): number | false | undefined {
  return limit(value, path, `a number of milliseconds over 0, up to ${LONGEST_DELAY}`, (ms) => ms > 0 && ms <= LONGEST_DELAY)
}
