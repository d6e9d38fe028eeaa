import type { IncomingMessage } from 'node:http'
import { optionTypeError } from '../errors/errors.js'

/** Names by which only this machine reaches itself. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/

/** The names in the option `hosts`, without a port, in lower case. */
export function parseHosts(value: unknown): ReadonlySet<string> {
  if (value === undefined) return new Set()
  const rule = "an array of host names such as ['ops.internal']"
  if (!Array.isArray(value)) throw optionTypeError('view.hosts', rule, value)
  return new Set(
    value.map((one: unknown) => {
      const name = typeof one === 'string' ? nameOf(one) : undefined
      if (name === undefined) throw optionTypeError('view.hosts', rule, one)
      return name
    }),
  )
}

/**
 * Whether a request was meant for this page. Another site can make its name point to this machine (DNS rebinding), and could then read the answer as
 * of its own origin; but the browser sends that name in Host.
 */
export function isMeant({ headers }: IncomingMessage, hosts: ReadonlySet<string>): boolean {
  const given = headers[':authority'] ?? headers.host
  const name = typeof given === 'string' ? nameOf(given) : undefined
  return name !== undefined && (LOOPBACK.test(name) || hosts.has(name))
}

function nameOf(host: string): string | undefined {
  return HOST.exec(host.toLowerCase())?.[1]
}
