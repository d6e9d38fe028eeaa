/** What the kernel still keeps of connections that are over. */
import { readFileSync } from 'node:fs'

const TIME_WAIT = '06'

/**
 * Counts the connections in TIME_WAIT from now on, by whose side holds them. What is there already is not counted: another server may have
 * had the same port within the last minute. (Nor is a new one, then, between the same two addresses and ports.) The function returned gives
 * undefined where there is no /proc/net/tcp.
 * @param {number} port the server's
 * @returns {() => { server: number, client: number } | undefined}
 */
export function countTimeWait(port) {
  const before = entries(port)
  return () => {
    const now = entries(port)
    if (before === undefined || now === undefined) return undefined
    const held = { server: 0, client: 0 }
    for (const [pair, side] of now) if (!before.has(pair)) held[side] += 1
    return held
  }
}

/** @param {number} port @returns {Map<string, 'server' | 'client'> | undefined} the side by the pair of addresses */
function entries(port) {
  /** @type {string} */
  let table
  try {
    table = readFileSync('/proc/net/tcp', 'latin1')
  } catch {
    return undefined
  }
  /** @type {Map<string, 'server' | 'client'>} */
  const found = new Map()
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', state] = line.trim().split(/\s+/)
    if (state !== TIME_WAIT) continue
    if (portOf(local) === port) found.set(`${local} ${remote}`, 'server')
    else if (portOf(remote) === port) found.set(`${local} ${remote}`, 'client')
  }
  return found
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
