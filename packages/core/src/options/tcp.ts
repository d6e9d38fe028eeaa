import { Socket } from 'node:net'
import { optionTypeError } from '../errors/errors.js'
import type { WarningEvent } from '../events/types.js'
import { LONGEST_DELAY } from '../node/real-timers.js'
import * as DEFAULTS from './defaults.js'
import { hintOfSeconds } from './mistaken-units.js'
import { count, limit, section } from './rules.js'
import type { Policy } from './types.js'

/**
 * Whether Node passes the interval and the number of TCP keep-alive probes to the kernel (24.21, 26.4 and later): setKeepAlive() has parameters for
 * them then.
 */
const SETS_PROBES = Socket.prototype.setKeepAlive.length >= 4

export function parseTcp(value: unknown, warnings: WarningEvent[], setsProbes = SETS_PROBES): Policy['tcp'] {
  const given = section(value, 'tcp', 'an object such as { keepAlive: 60_000 }')
  const { noDelay = DEFAULTS.TCP_NO_DELAY, keepAlive } = given
  if (typeof noDelay !== 'boolean') throw optionTypeError('tcp.noDelay', 'true or false', noDelay)
  if (typeof keepAlive !== 'object' || keepAlive === null) {
    return Object.freeze({ noDelay, keepAlive: idleOf(keepAlive, 'tcp.keepAlive') ?? DEFAULTS.TCP_KEEP_ALIVE })
  }
  const probes = section(
    keepAlive,
    'tcp.keepAlive',
    'a number of milliseconds, an object such as { idle: 60_000, interval: 10_000, count: 3 }, or false',
  )
  const idle = idleOf(probes.idle, 'tcp.keepAlive.idle') ?? DEFAULTS.TCP_KEEP_ALIVE
  const keepAliveInterval = idleOf(probes.interval, 'tcp.keepAlive.interval') || undefined
  const keepAliveCount = count(probes.count, 'tcp.keepAlive.count', 1)
  if (!setsProbes && idle !== false && (keepAliveInterval !== undefined || keepAliveCount !== undefined)) {
    const message = `halfclose: \`tcp.keepAlive.interval\` and \`count\` do nothing on Node ${process.versions.node}: it cannot set them (24.21, 26.4 and later can); it has a probe sent each second, 10 in all`
    warnings.push(Object.freeze({ code: 'HALFCLOSE_PROBES_NOT_SET', message }))
  }
  return Object.freeze({ noDelay, keepAlive: idle, keepAliveInterval, keepAliveCount })
}

/** The kernel counts whole seconds, and 0 would mean the system's own interval. */
function idleOf(value: unknown, path: string): number | false | undefined {
  const rule = `a number of milliseconds from 1_000 to ${LONGEST_DELAY}`
  const holds = (ms: number) => ms >= 1_000 && ms <= LONGEST_DELAY
  const hint = typeof value === 'number' ? hintOfSeconds(value) : undefined
  return limit(value, path, rule, holds, { off: 'no TCP keep-alive probes', hint })
}
