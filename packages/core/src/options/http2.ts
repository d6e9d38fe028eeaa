import * as DEFAULTS from './defaults.js'
import { parseStalled } from './limits.js'
import { duration, isLimit, limit, section } from './rules.js'
import type { Http2Policy, KeepAlivePolicy } from './types.js'

/**
 * `chosen`: the application set how long idle connections are kept. Otherwise sessions are kept longer than connections: they cost more to open, and
 * nothing is promised to their clients.
 */
export function parseHttp2(
  value: unknown,
  keepAlive: KeepAlivePolicy | false,
  chosen: boolean,
  stalled: number | false,
): Http2Policy {
  const given = section(value, 'http2', 'an object such as { hold: 60_000 }')
  const usual = keepAlive === false ? 0 : chosen ? keepAlive.hold : Math.max(keepAlive.hold, DEFAULTS.KEEP_ALIVE_HOLD)
  const rule = 'an integer of at least 1'
  return Object.freeze({
    hold: duration(given.hold, 'http2.hold') ?? usual,
    streams: limit(given.streams, 'http2.streams', rule, isLimit) ?? DEFAULTS.HTTP2_STREAMS,
    resets: limit(given.resets, 'http2.resets', rule, isLimit) ?? DEFAULTS.HTTP2_RESETS,
    control: limit(given.control, 'http2.control', rule, isLimit) ?? DEFAULTS.HTTP2_CONTROL,
    stalled: parseStalled(given.stalled, 'http2.stalled') ?? stalled,
  })
}

export function isChosen(keepAlive: unknown): boolean {
  if (typeof keepAlive !== 'object' || keepAlive === null) return false
  return Reflect.get(keepAlive, 'hold') !== undefined || Reflect.get(keepAlive, 'timeout') !== undefined
}
