import { optionRangeError, optionTypeError } from '../errors/errors.js'
import type { WarningEvent } from '../events/types.js'
import { LONGEST_DELAY } from '../node/real-timers.js'
import * as DEFAULTS from './defaults.js'
import { parseMinRate } from './limits.js'
import { duration, section } from './rules.js'
import type { DrainPolicy } from './types.js'

/** What `drain: 'fast'` stands for. */
export const FAST_DRAIN: DrainPolicy = Object.freeze({
  delay: 0,
  deadline: 2_000,
  idle: 0,
  silent: 0,
  upgraded: 2_000,
  minRate: 240,
})

/** Like `'fast'`, but no slower than the policy. */
export function fastened({ deadline, upgraded }: DrainPolicy): DrainPolicy {
  const { deadline: most } = FAST_DRAIN
  return { ...FAST_DRAIN, deadline: Math.min(most, deadline), upgraded: Math.min(most, upgraded) }
}

export function parseDrain(value: unknown, warnings: WarningEvent[]): DrainPolicy {
  if (value === 'fast') return FAST_DRAIN
  const rule = "an object such as { deadline: 20_000 }, or 'fast'"
  if (typeof value === 'string') throw optionRangeError('drain', rule, value)
  const given = section(value, 'drain', rule)
  const delay = duration(given.delay, 'drain.delay') ?? DEFAULTS.DRAIN_DELAY
  const deadline = duration(given.deadline, 'drain.deadline') ?? DEFAULTS.DRAIN_DEADLINE
  if (delay > 0 && deadline <= delay) {
    const message = `halfclose: \`drain.deadline\` (${deadline} ms) counts from the signal and includes \`drain.delay\` (${delay} ms): nothing is left to drain in; raise the deadline`
    warnings.push(Object.freeze({ code: 'HALFCLOSE_DEADLINE_WITHIN_DELAY', message }))
  }
  return Object.freeze({
    delay,
    deadline,
    idle: parseIdle(given.idle),
    silent: duration(given.silent, 'drain.silent') ?? DEFAULTS.DRAIN_SILENT,
    upgraded: duration(given.upgraded, 'drain.upgraded') ?? deadline,
    minRate: parseMinRate(given.minRate, 'drain.minRate') ?? DEFAULTS.DRAIN_MIN_RATE,
  })
}

function parseIdle(value: unknown): 'promise' | number {
  if (value === undefined || value === 'promise') return DEFAULTS.DRAIN_IDLE
  const rule = `'promise' or a number of milliseconds from 0 to ${LONGEST_DELAY}`
  if (typeof value !== 'number') throw optionTypeError('drain.idle', rule, value)
  if (!(value >= 0 && value <= LONGEST_DELAY)) throw optionRangeError('drain.idle', rule, value)
  return value
}
