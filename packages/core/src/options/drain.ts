import { optionRangeError, optionTypeError } from '../errors/errors.js'
import type { WarningEvent } from '../events/types.js'
import { LONGEST } from '../node/process-standstill.js'
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

function parseIdle(value: unknown): 'promise' | number {
  if (value === undefined || value === 'promise') return 'promise'
  const rule = `'promise' or a number of milliseconds from 0 to ${LONGEST}`
  if (typeof value !== 'number') throw optionTypeError('drain.idle', rule, value)
  if (!(value >= 0 && value <= LONGEST)) throw optionRangeError('drain.idle', rule, value)
  return value
}
