/** What the kernel still keeps of connections that are over. */
import { readFileSync } from 'node:fs'

const TIME_WAIT = '06'

/**
 * Connections in TIME_WAIT, by whose side holds them. Undefined where there is no /proc/net/tcp.
 * @param {number} port the server's
 * @returns {{ server: number, client: number } | undefined}
 */
export function timeWait(port) {
  /** @type {string} */
  let table
  try {
    table = readFileSync('/proc/net/tcp', 'latin1')
  } catch {
    return undefined
  }
  const held = { server: 0, client: 0 }
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/)
    if (state !== TIME_WAIT) continue
    if (portOf(local) === port) held.server += 1
    else if (portOf(remote) === port) held.client += 1
  }
  return held
}

/** @param {string} address hexadecimal, address:port */
function portOf(address) {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
}

/** A number or two of /proc/sys/net/ipv4, undefined elsewhere than on Linux. @param {string} name */
export function setting(name) {
  try {
    return readFileSync(`/proc/sys/net/ipv4/${name}`, 'latin1').trim().split(/\s+/).map(Number)
  } catch {
    return undefined
  }
}
