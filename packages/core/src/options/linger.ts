import { DEFAULTS } from './defaults.js'
import { count, duration, section } from './rules.js'
import type { Policy } from './types.js'

export function parseLinger(value: unknown): Policy['linger'] {
  const given = section(value, 'linger', 'an object such as { quiet: 2_000 }; it has bounds, but no switch')
  return Object.freeze({
    quiet: duration(given.quiet, 'linger.quiet') ?? DEFAULTS.linger.quiet,
    total: duration(given.total, 'linger.total') ?? DEFAULTS.linger.total,
    bytes: count(given.bytes, 'linger.bytes', 0) ?? DEFAULTS.linger.bytes,
    connections: count(given.connections, 'linger.connections', 1) ?? DEFAULTS.linger.connections,
  })
}
