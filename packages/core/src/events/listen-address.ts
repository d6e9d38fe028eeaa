import { type AddressInfo, isIPv6 } from 'node:net'

/** Where a server listens, for lines of the log: `127.0.0.1:3000`, `[::]:3000`, or the path of its socket. */
export function listenAddress(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return address ?? 'nothing'
  return `${isIPv6(address.address) ? `[${address.address}]` : address.address}:${address.port}`
}
