import { lookup } from 'node:dns/promises'
import { BlockList, isIPv6 } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

const PRIVATE = new BlockList()
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  PRIVATE.addSubnet(network, bits)
PRIVATE.addSubnet('fc00::', 7, 'ipv6')
PRIVATE.addSubnet('fe80::', 10, 'ipv6')

/** How near a server is. Only loopback and private addresses are probed without asking. */
export type Nearness = 'loopback' | 'private' | 'public'

export function nearnessOf(addresses: readonly string[]): Nearness {
  const all = (list: BlockList) =>
    addresses.length > 0 && addresses.every((one) => list.check(one, isIPv6(one) ? 'ipv6' : 'ipv4'))
  if (all(LOOPBACK)) return 'loopback'
  return addresses.every((one) => [LOOPBACK, PRIVATE].some((list) => list.check(one, isIPv6(one) ? 'ipv6' : 'ipv4')))
    ? 'private'
    : 'public'
}

/** The nearness of all addresses of a name. An unknown name counts as loopback: the probe then finds it unreachable. */
export async function nearness(host: string): Promise<Nearness> {
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.length === 0 ? 'loopback' : nearnessOf(found.map(({ address }) => address))
}
