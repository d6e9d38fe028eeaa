import * as DEFAULTS from './defaults.js'
import { count, duration, section } from './rules.js'
import type { Policy } from './types.js'

export function parseLinger(value: unknown): Policy['linger'] {
  const given = section(value, 'linger', 'an object such as { quiet: 2_000 }; it has bounds, but no switch')
  return Object.freeze({
    quiet: duration(given.quiet, 'linger.quiet') ?? DEFAULTS.LINGER_QUIET,
    total: duration(given.total, 'linger.total') ?? DEFAULTS.LINGER_TOTAL,
    bytes: count(given.bytes, 'linger.bytes', 0) ?? DEFAULTS.LINGER_BYTES,
    connections: count(given.connections, 'linger.connections', 1) ?? DEFAULTS.LINGER_CONNECTIONS,
  })
}
