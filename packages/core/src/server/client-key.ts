import { isIPv4, isIPv6 } from 'node:net'

/**
 * The client that an address stands for, where connections are counted by client. IPv4 is one client however it is written: a socket that listens on
 * `::` calls it `::ffff:192.0.2.1`. Of IPv6 it is the /64: a client has a whole network of that size to itself, and may use each address of it.
 */
export function clientOf(address: string): string {
  if (isIPv4(address)) return address
  const plain = address.split('%', 1)[0] ?? address
  if (!isIPv6(plain)) return address
  const groups = groupsOf(plain)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

/** Of a valid address: its eight groups. */
function groupsOf(address: string): number[] {
  // The last two may be written as IPv4.
  const written = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
  )
  const [head = '', tail] = written.split('::')
  const before = hex(head)
  if (tail === undefined) return before
  const after = hex(tail)
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function hex(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16))
}
