import { count, duration, section } from './rules.js'
import type { Policy } from './types.js'

export function parseLinger(value: unknown): Policy['linger'] {
  const given = section(value, 'linger', 'an object such as { quiet: 2_000 }; it has bounds, but no switch')
  return Object.freeze({
    quiet: duration(given.quiet, 'linger.quiet') ?? 2_000,
    total: duration(given.total, 'linger.total') ?? 30_000,
    bytes: count(given.bytes, 'linger.bytes', 0) ?? 64 * 1024 * 1024,
    connections: count(given.connections, 'linger.connections', 1) ?? 1_000,
  })
}
