import { isIPv4, isIPv6 } from 'node:net'

/**
 * The client that an address stands for, where connections are counted by client. An IPv4 address is one client in both spellings: a socket that
 * listens on `::` writes it as `::ffff:192.0.2.1`. An IPv6 client is a /64: it has a network of that size to itself, and may use each address in it.
 */
export function clientKeyOf(address: string): string {
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

/** The eight groups of a valid address. */
function groupsOf(address: string): number[] {
  // The last two groups may be written as IPv4.
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
