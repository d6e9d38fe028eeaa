import type { Socket } from 'node:net'

/**
 * The client's address, for people: `127.0.0.1:40000`, or what it is instead. Once asked for, a socket remembers its address beyond the close; where
 * nobody asked, it is `unknown` by then.
 */
export function remoteOf({ remoteAddress, remotePort }: Socket, { listensOnPath }: { readonly listensOnPath: boolean }): string {
  if (remoteAddress !== undefined) return `${remoteAddress}:${remotePort}`
  return listensOnPath ? 'a unix domain socket' : 'unknown'
}
